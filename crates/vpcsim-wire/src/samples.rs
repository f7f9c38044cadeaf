//! Random packets for the property tests.
