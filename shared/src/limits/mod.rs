//! Limits.

/// What kind of operation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// x
    Open,
    /// x
    Auth,
    /// x
    Read,
    /// x
    Write,
    /// x
    Turn,
    /// x
    Sensitive,
}
