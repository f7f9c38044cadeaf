//! The `vpcsim` command line.

fn main() {}
