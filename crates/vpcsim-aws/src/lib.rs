//! vpcsim-aws.
