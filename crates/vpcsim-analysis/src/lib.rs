//! vpcsim-analysis.
