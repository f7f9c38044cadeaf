//! vpcsim-import.
