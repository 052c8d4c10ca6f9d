//! A disk that keeps its promises and nothing more.
//!
//! What is written to a file is kept in memory until somebody asks for it to be synced; a new
//! name, a rename or a removal, until the directory is. At a power cut everything else is
//! forgotten, or partly kept, in sectors and in an order that a seed decides: a real disk
//! promises no more than that. Whoever confirms something before its sync loses it here.
//!
//! - [`Disk`] is the disk itself, without any mounting: bytes, names, syncs and the cut;
//! - [`Mount`] shows it as a directory (FUSE), so that a program runs on it unchanged.
//!
//! It holds one directory of plain files, which is what a database needs. Everything lies in
//! memory: for tests, not for keeping things.

mod disk;
mod image;
mod mount;
#[cfg(test)]
mod tests;

pub use disk::{Disk, Forgotten, Trouble};
pub use image::Image;
pub use mount::{Mount, MountError};
