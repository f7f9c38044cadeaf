//! Input that is odd or wrong.
