//! The link-local services: they answer every instance, without route, security group or network ACL (LL-01..04).

use crate::compile::Build;

/// Installs the services that every network has.
pub(crate) fn install(_build: &mut Build<'_>) {}
