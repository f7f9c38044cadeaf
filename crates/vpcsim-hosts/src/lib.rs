//! vpcsim-hosts.
