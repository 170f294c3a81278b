//! Digests of orders and of data.

use std::fmt;
use std::str::FromStr;

/// The digest of an order up to a position.
///
/// At position 0 it is 0. At position n it is the XXH3 128-bit hash (seed 0) of the 16 bytes of the digest
/// at n-1, big-endian, followed by the entry's stamp as text (`17.2`) and its canonical bytes. Results are no
/// part of it. Equal digests at a position prove equal orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        u128::from_str_radix(text, 16).map(Self).map_err(drop)
    }
}
