//! The disk: what programs see, and what would be left if the power went now.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use rand::{Rng, RngExt as _};

use crate::image::Image;

/// The smallest piece that is written whole.
const SECTOR: usize = 512;
/// Sectors that a disk with larger ones writes whole.
const LARGE: usize = 8;

/// Names a file while the disk is on.
pub type Id = u64;

/// What cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No such file.
    #[error("there is no such file")]
    Absent,
    /// The name is taken.
    #[error("there is a file of that name")]
    There,
}

/// See the crate's words.
#[derive(Debug)]
pub struct Disk {
    files: BTreeMap<Id, File>,
    names: BTreeMap<OsString, Id>,
    /// The directory as it was synced last, and every change since.
    synced_names: BTreeMap<OsString, Id>,
    changes: Vec<Change>,
    next: Id,
    /// Answers a sync and does not keep it, as some disks do.
    lies: bool,
}

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Sectors written since the last sync.
    dirty: BTreeSet<usize>,
    /// How often it is open now.
    open: usize,
    /// The shortest it has been since the last sync, when that is shorter than what was synced.
    cut_to: Option<usize>,
}

/// A change of the directory: one step, whole or not at all.
#[derive(Clone, Debug)]
enum Change {
    Named(OsString, Id),
    Removed(OsString),
    Renamed(OsString, OsString),
}

/// What a power cut took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Written sectors that are as they were before.
    pub sectors: usize,
    /// Written and unsynced sectors that happened to arrive.
    pub arrived: usize,
    /// Changes of the directory that never happened.
    pub changes: usize,
}

impl Forgotten {
    /// Adds what another cut took.
    pub fn add(&mut self, other: Self) {
        self.sectors += other.sectors;
        self.arrived += other.arrived;
        self.changes += other.changes;
    }
}

impl Disk {
    /// A disk on which this lies, all of it synced.
    pub fn new(image: Image) -> Self {
        let mut disk = Self {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            changes: Vec::new(),
            next: 2,
            lies: false,
        };
        for (name, bytes) in image.0 {
            let file = File { synced: bytes.clone(), bytes, ..File::default() };
            disk.files.insert(disk.next, file);
            disk.names.insert(name, disk.next);
            disk.next += 1;
        }
        disk.synced_names = disk.names.clone();
        disk
    }

    /// From now on it answers every sync and keeps none.
    pub fn lie(&mut self) {
        self.lies = true;
    }

    /// The file of this name.
    pub fn find(&self, name: &OsStr) -> Option<Id> {
        self.names.get(name).copied()
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = (&OsStr, Id)> {
        self.names.iter().map(|(name, id)| (name.as_os_str(), *id))
    }

    /// Bytes of the file.
    pub fn len(&self, id: Id) -> Result<usize, Trouble> {
        self.files.get(&id).map(|file| file.bytes.len()).ok_or(Trouble::Absent)
    }

    /// A new, empty file.
    pub fn create(&mut self, name: &OsStr) -> Result<Id, Trouble> {
        if self.names.contains_key(name) {
            return Err(Trouble::There);
        }
        let id = self.next;
        self.next += 1;
        self.files.insert(id, File::default());
        self.change(Change::Named(name.to_owned(), id));
        Ok(id)
    }

    /// Takes the name away. Whoever has the file open goes on with it.
    pub fn remove(&mut self, name: &OsStr) -> Result<(), Trouble> {
        if !self.names.contains_key(name) {
            return Err(Trouble::Absent);
        }
        self.change(Change::Removed(name.to_owned()));
        Ok(())
    }

    /// Gives the file another name; a file that had it loses it.
    pub fn rename(&mut self, from: &OsStr, to: &OsStr) -> Result<(), Trouble> {
        if !self.names.contains_key(from) {
            return Err(Trouble::Absent);
        }
        self.change(Change::Renamed(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    /// Up to `count` bytes from `at` on.
    pub fn read(&self, id: Id, at: usize, count: usize) -> Result<&[u8], Trouble> {
        let bytes = &self.files.get(&id).ok_or(Trouble::Absent)?.bytes;
        let start = at.min(bytes.len());
        Ok(&bytes[start..start.saturating_add(count).min(bytes.len())])
    }

    /// Writes; a gap before it is zeros.
    pub fn write(&mut self, id: Id, at: usize, data: &[u8]) -> Result<(), Trouble> {
        let file = self.files.get_mut(&id).ok_or(Trouble::Absent)?;
        let end = at + data.len();
        if file.bytes.len() < end {
            file.resize(end);
        }
        file.bytes[at..end].copy_from_slice(data);
        file.touch(at, end);
        Ok(())
    }

    /// Makes the file this long.
    pub fn set_len(&mut self, id: Id, len: usize) -> Result<(), Trouble> {
        self.files.get_mut(&id).ok_or(Trouble::Absent)?.resize(len);
        Ok(())
    }

    /// What the file holds now outlives a power cut. Its name does not, see [`Disk::sync_names`].
    pub fn sync(&mut self, id: Id) -> Result<(), Trouble> {
        let file = self.files.get_mut(&id).ok_or(Trouble::Absent)?;
        if !self.lies {
            file.sync();
        }
        Ok(())
    }

    /// The directory as it is now outlives a power cut.
    pub fn sync_names(&mut self) {
        if self.lies {
            return;
        }
        self.changes.clear();
        self.synced_names = self.names.clone();
        self.forget_files();
    }

    /// Files that no name leads to any more, not even after a cut, and nobody has open.
    fn forget_files(&mut self) {
        let changed = self.changes.iter().filter_map(Change::id);
        let synced = self.synced_names.values().copied();
        let named: BTreeSet<Id> =
            self.names.values().copied().chain(synced).chain(changed).collect();
        self.files.retain(|id, file| named.contains(id) || file.open > 0);
    }

    /// Somebody opens the file.
    pub fn open(&mut self, id: Id) -> Result<(), Trouble> {
        self.files.get_mut(&id).ok_or(Trouble::Absent)?.open += 1;
        Ok(())
    }

    /// Somebody closes it.
    pub fn close(&mut self, id: Id) {
        if let Some(file) = self.files.get_mut(&id) {
            file.open = file.open.saturating_sub(1);
        }
        self.forget_files();
    }

    /// The power goes. What lies on the platter afterwards, and what was forgotten.
    pub fn cut(self, rng: &mut impl Rng) -> (Image, Forgotten) {
        let mut forgotten = Forgotten::default();
        // The journal of a file system is written in order: changes are lost from the end.
        let kept = rng.random_range(0..=self.changes.len());
        forgotten.changes = self.changes.len() - kept;
        let mut names = self.synced_names;
        self.changes[..kept].iter().for_each(|change| change.apply(&mut names));
        // Some cuts come when almost nothing, some when almost everything had arrived.
        let share = [0.0, 0.5, 0.9, 1.0][rng.random_range(0..4)];
        let grain = if rng.random_bool(0.5) { 1 } else { LARGE };
        let mut image = Image::default();
        for (name, id) in names {
            let Some(file) = self.files.get(&id) else { continue };
            image.0.insert(name, file.left(rng, (share, grain), &mut forgotten));
        }
        (image, forgotten)
    }
}

impl Change {
    fn id(&self) -> Option<Id> {
        match self {
            Self::Named(_, id) => Some(*id),
            Self::Removed(_) | Self::Renamed(..) => None,
        }
    }

    fn apply(&self, names: &mut BTreeMap<OsString, Id>) {
        match self {
            Self::Named(name, id) => {
                names.insert(name.clone(), *id);
            }
            Self::Removed(name) => {
                names.remove(name);
            }
            Self::Renamed(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
        }
    }
}

impl File {
    fn touch(&mut self, from: usize, to: usize) {
        if from < to {
            self.dirty.extend(from / SECTOR..=(to - 1) / SECTOR);
        }
    }

    fn resize(&mut self, len: usize) {
        let before = self.bytes.len();
        self.bytes.resize(len, 0);
        if len < before {
            if len < self.synced.len() {
                self.cut_to = Some(self.cut_to.map_or(len, |shortest| shortest.min(len)));
            }
            self.dirty.retain(|sector| sector * SECTOR < len);
        }
        self.touch(before, len);
    }

    fn sync(&mut self) {
        self.synced.resize(self.bytes.len(), 0);
        if let Some(len) = self.cut_to.take() {
            // Beyond that point everything was written anew, if only by a gap.
            let len = len.min(self.bytes.len());
            self.synced[len..].copy_from_slice(&self.bytes[len..]);
        }
        for sector in std::mem::take(&mut self.dirty) {
            let range = range(sector, self.bytes.len());
            self.synced[range.clone()].copy_from_slice(&self.bytes[range]);
        }
    }

    /// What is left of it: what was synced, with some of what was written since.
    fn left(
        &self,
        rng: &mut impl Rng,
        (share, grain): (f64, usize),
        forgotten: &mut Forgotten,
    ) -> Vec<u8> {
        let mut left = self.synced.clone();
        if let Some(len) = self.cut_to
            && rng.random_bool(share)
        {
            left.truncate(len);
        }
        let (mut whole, mut arrives) = (None, false);
        for &sector in &self.dirty {
            // Sectors of one large sector arrive together.
            if whole != Some(sector / grain) {
                whole = Some(sector / grain);
                arrives = rng.random_bool(share);
            }
            if !arrives {
                forgotten.sectors += 1;
                continue;
            }
            forgotten.arrived += 1;
            let range = range(sector, self.bytes.len());
            if left.len() < range.end {
                left.resize(range.end, 0);
            }
            left[range.clone()].copy_from_slice(&self.bytes[range]);
        }
        left
    }
}

/// The bytes of a sector in a file of this length.
fn range(sector: usize, len: usize) -> std::ops::Range<usize> {
    let start = (sector * SECTOR).min(len);
    start..(start + SECTOR).min(len)
}
