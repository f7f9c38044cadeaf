//! Several stacks.
