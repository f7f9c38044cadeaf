//! Why bytes are not the packet that they claim to be.

use std::error::Error;
use std::fmt;

/// The first thing found wrong with a header; `header` names the protocol that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes are there than the header, or the length that it states, needs.
    Truncated {
        /// Protocol whose bytes are missing.
        header: &'static str,
        /// Bytes that should be there.
        needed_len: usize,
        /// Bytes that are there.
        available_len: usize,
    },
    /// A length field contradicts the header itself, like an IPv4 header shorter than 20 bytes.
    BadLength {
        /// Protocol whose field it is.
        header: &'static str,
        /// What the field says, in bytes.
        stated_len: usize,
    },
    /// A field holds a value that this crate does not speak, like IP version 6.
    Unsupported {
        /// Protocol whose field it is.
        header: &'static str,
        /// The value found.
        value: u16,
    },
}

impl Malformed {
    /// Passes when `available_len` covers `needed_len`.
    #[inline]
    pub(crate) const fn unless_covered(
        header: &'static str,
        needed_len: usize,
        available_len: usize,
    ) -> Result<(), Self> {
        if available_len < needed_len {
            return Err(Self::Truncated {
                header,
                needed_len,
                available_len,
            });
        }
        Ok(())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated {
                header,
                needed_len,
                available_len,
            } => {
                write!(f, "{header} needs {needed_len} bytes and has {available_len}")
            }
            Self::BadLength { header, stated_len } => write!(f, "{header} states the length {stated_len}"),
            Self::Unsupported { header, value } => {
                write!(f, "{header} has the unsupported value {value:#06x}")
            }
        }
    }
}

impl Error for Malformed {}
