//! vpcsim-report.
