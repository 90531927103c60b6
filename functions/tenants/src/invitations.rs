//! Who is invited into the tenant.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;
