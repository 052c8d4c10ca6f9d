//! The disk as a directory that any program can use.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use nix::unistd::{getgid, getuid};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::disk::{Disk, Forgotten, Id, Trouble};
use crate::image::Image;

/// Nobody but the kernel changes anything here: it may believe what it knows.
const BELIEVED: Duration = Duration::from_hours(1);

/// Times an unmount is tried while somebody is still closing a file.
const TRIES_MAX: u32 = 200;

/// Why there is no mounted disk.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The system does not let us.
    #[error(
        "no file system can be mounted at {at}: {cause} (FUSE needs /dev/fuse, and root or \
         fusermount3)"
    )]
    Refused {
        /// Where.
        at: PathBuf,
        /// What it said.
        cause: io::Error,
    },
    /// The platter cannot be read or written.
    #[error("{at}: {cause}")]
    Platter {
        /// The directory behind the disk.
        at: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Somebody holds a file open.
    #[error("{at} cannot be unmounted: {cause}")]
    Busy {
        /// Where it is mounted.
        at: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// A mounted disk; unmounted, and everything on it forgotten, when dropped.
pub struct Mount {
    /// What is on the platter lies here: read at the start, written at a cut.
    platter: PathBuf,
    at: PathBuf,
    lies: bool,
    disk: Shared,
    session: Option<BackgroundSession>,
}

/// None once the power is off.
type Shared = Arc<Mutex<Option<Disk>>>;

impl Mount {
    /// Shows the files of `platter` at `at`, both existing directories.
    pub fn new(platter: &Path, at: &Path) -> Result<Self, MountError> {
        let mut mount = Self {
            platter: platter.to_owned(),
            at: at.to_owned(),
            lies: false,
            disk: Arc::default(),
            session: None,
        };
        mount.power_on()?;
        Ok(mount)
    }

    /// From now on every sync is answered and none is kept, also after a cut.
    pub fn lie(&mut self) {
        self.lies = true;
        if let Some(disk) = lock(&self.disk).as_mut() {
            disk.lie();
        }
    }

    /// The power goes and comes back: what was not synced is forgotten, or partly kept, as `seed`
    /// decides. Whoever had files open must be gone.
    pub fn cut(&mut self, seed: u64) -> Result<Forgotten, MountError> {
        let disk = lock(&self.disk).take();
        let disk = disk.unwrap_or_else(|| Disk::new(Image::default()));
        let (image, forgotten) = disk.cut(&mut ChaCha8Rng::seed_from_u64(seed));
        self.unmount()?;
        image.write(&self.platter).map_err(|cause| self.platter_error(cause))?;
        self.power_on()?;
        Ok(forgotten)
    }

    fn power_on(&mut self) -> Result<(), MountError> {
        let image = Image::read(&self.platter).map_err(|cause| self.platter_error(cause))?;
        let mut disk = Disk::new(image);
        if self.lies {
            disk.lie();
        }
        self.disk = Arc::new(Mutex::new(Some(disk)));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("lossy".to_owned()), MountOption::NoAtime];
        let shown = Shown { disk: Arc::clone(&self.disk) };
        let session = fuser::spawn_mount(shown, &self.at, &config);
        let refused = |cause| MountError::Refused { at: self.at.clone(), cause };
        self.session = Some(session.map_err(refused)?);
        Ok(())
    }

    fn unmount(&mut self) -> Result<(), MountError> {
        let Some(session) = self.session.take() else { return Ok(()) };
        let busy = |cause| MountError::Busy { at: self.at.clone(), cause };
        for _ in 0..TRIES_MAX {
            match nix::mount::umount(&self.at) {
                Ok(()) => return session.join().map_err(busy),
                // A process that was killed closes its files a moment later.
                Err(nix::errno::Errno::EBUSY) => {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
                // Not ours to do without fusermount, which the session knows how to call.
                Err(_) => break,
            }
        }
        session.umount_and_join().map_err(busy)
    }

    fn platter_error(&self, cause: io::Error) -> MountError {
        MountError::Platter { at: self.platter.clone(), cause }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Nothing is left to be said to anybody; what stays mounted shows errors only.
        drop(lock(&self.disk).take());
        let _ = self.unmount();
    }
}

fn lock(disk: &Shared) -> MutexGuard<'_, Option<Disk>> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the kernel asks.
struct Shown {
    disk: Shared,
}

impl Shown {
    /// Does something with the disk; without power nothing works.
    fn with<T>(&self, work: impl FnOnce(&mut Disk) -> Result<T, Trouble>) -> Result<T, Errno> {
        let mut disk = lock(&self.disk);
        let disk = disk.as_mut().ok_or(Errno::EIO)?;
        work(disk).map_err(|trouble| match trouble {
            Trouble::Absent => Errno::ENOENT,
            Trouble::There => Errno::EEXIST,
        })
    }

    fn attributes(&self, id: Id) -> Result<FileAttr, Errno> {
        if id == INodeNo::ROOT.0 {
            return Ok(attributes(id, 0, FileType::Directory));
        }
        let len = self.with(|disk| disk.len(id))?;
        Ok(attributes(id, len as u64, FileType::RegularFile))
    }

    fn found(&self, name: &OsStr) -> Result<FileAttr, Errno> {
        let id = self.with(|disk| disk.find(name).ok_or(Trouble::Absent))?;
        self.attributes(id)
    }
}

fn attributes(id: Id, size: u64, kind: FileType) -> FileAttr {
    let is_file = kind == FileType::RegularFile;
    FileAttr {
        ino: INodeNo(id),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: if is_file { 0o644 } else { 0o755 },
        nlink: if is_file { 1 } else { 2 },
        uid: getuid().as_raw(),
        gid: getgid().as_raw(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn empty(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

/// An offset in memory.
fn place(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

impl Filesystem for Shown {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.found(name) {
            Ok(found) => reply.entry(&BELIEVED, &found, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, id: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(id.0) {
            Ok(found) => reply.attr(&BELIEVED, &found),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        id: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let resized = size.map_or(Ok(()), |len| self.with(|disk| disk.set_len(id.0, place(len))));
        match resized.and_then(|()| self.attributes(id.0)) {
            Ok(found) => reply.attr(&BELIEVED, &found),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let made = self.with(|disk| {
            let id = disk.create(name)?;
            disk.open(id).map(|()| id)
        });
        match made {
            Ok(id) => {
                let made = attributes(id, 0, FileType::RegularFile);
                let flags = FopenFlags::FOPEN_KEEP_CACHE;
                reply.created(&BELIEVED, &made, Generation(0), FileHandle(0), flags);
            }
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, id: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.with(|disk| disk.open(id.0)) {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
            Err(error) => reply.error(error),
        }
    }

    fn release(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        let closed = self.with(|disk| {
            disk.close(id.0);
            Ok(())
        });
        empty(closed, reply);
    }

    fn read(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read =
            self.with(|disk| disk.read(id.0, place(offset), size as usize).map(<[u8]>::to_vec));
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        id: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.with(|disk| disk.write(id.0, place(offset), data)) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    /// Closing a file promises nothing.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, id: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(self.with(|disk| disk.sync(id.0)), reply);
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = self.with(|disk| {
            disk.sync_names();
            Ok(())
        });
        empty(synced, reply);
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(self.with(|disk| disk.remove(name)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        new: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        empty(self.with(|disk| disk.rename(name, new)), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let named = self.with(|disk| {
            Ok(disk.names().map(|(name, id)| (name.to_owned(), id)).collect::<Vec<_>>())
        });
        match named {
            Ok(named) => {
                for (next, (name, id)) in (1..).zip(named).skip(place(offset)) {
                    if reply.add(INodeNo(id), next, FileType::RegularFile, &name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }
}
