//! vpcsim-testkit.
