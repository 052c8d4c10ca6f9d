//! What lies on the platter: names and bytes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Files of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(pub BTreeMap<OsString, Vec<u8>>);

impl Image {
    /// The plain files of a directory.
    pub fn read(directory: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.insert(entry.file_name(), std::fs::read(entry.path())?);
            }
        }
        Ok(Self(files))
    }

    /// Makes a directory have these files and no others.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && !self.0.contains_key(&entry.file_name()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        self.0.iter().try_for_each(|(name, bytes)| std::fs::write(directory.join(name), bytes))
    }
}
