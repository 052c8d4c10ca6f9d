//! What a cut may take and what it may not; and that a mounted disk is the same disk.

mod cuts;
#[cfg(feature = "mount")]
mod mounted;
