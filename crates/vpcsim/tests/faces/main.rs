//! What a user sees of every question in each of its formats.

#[cfg(test)]
mod questions;
