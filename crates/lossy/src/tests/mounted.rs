//! These mount a file system, and fail with its words where none can be mounted.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;

use tempfile::TempDir;

use crate::Mount;

struct Bench {
    mount: Mount,
    home: TempDir,
}

impl Bench {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (platter, at) = (home.path().join("platter"), home.path().join("disk"));
        fs::create_dir(&platter).unwrap();
        fs::create_dir(&at).unwrap();
        let mount = Mount::new(&platter, &at).unwrap();
        Self { mount, home }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join("disk").join(name)
    }

    fn sync_names(&self) {
        File::open(self.home.path().join("disk")).unwrap().sync_all().unwrap();
    }
}

#[test]
fn a_mounted_disk_is_a_directory_like_any_other() {
    let bench = Bench::new();
    fs::write(bench.at("a"), b"hello").unwrap();
    let mut file = OpenOptions::new().read(true).write(true).open(bench.at("a")).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b" there").unwrap();
    file.set_len(8).unwrap();
    file.write_all_at(b"J", 0).unwrap();
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "Jello th");
    fs::rename(bench.at("a"), bench.at("b")).unwrap();
    assert!(File::create_new(bench.at("b")).is_err());
    let names: Vec<_> =
        fs::read_dir(bench.at("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["b"]);
    fs::remove_file(bench.at("b")).unwrap();
    assert!(!bench.at("b").exists());
    bench.sync_names();
    file.rewind().unwrap();
    text.clear();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "Jello th", "who has it open keeps it");
}

#[test]
fn a_cut_forgets_what_nobody_synced_and_nothing_else() {
    let mut bench = Bench::new();
    let mut lost = 0;
    for round in 0..20_u8 {
        let kept = File::create(bench.at("kept")).unwrap();
        kept.write_all_at(&[round; 3000], 0).unwrap();
        kept.sync_data().unwrap();
        bench.sync_names();
        fs::write(bench.at("loose"), [round; 3000]).unwrap();
        kept.write_all_at(&[round; 10], 3000).unwrap();
        drop(kept);
        let forgotten = bench.mount.cut(round.into()).unwrap();
        lost += forgotten.sectors + forgotten.changes;
        let bytes = fs::read(bench.at("kept")).unwrap();
        assert_eq!(&bytes[..3000], [round; 3000]);
        fs::remove_file(bench.at("kept")).unwrap();
        bench.sync_names();
    }
    assert!(lost > 0, "no cut took anything");
}

#[test]
fn without_a_place_to_mount_it_says_why() {
    let home = tempfile::tempdir().unwrap();
    let nowhere = home.path().join("nowhere");
    let error = Mount::new(home.path(), &nowhere).err().unwrap().to_string();
    assert!(error.contains("nowhere") && error.contains("FUSE needs /dev/fuse"), "{error}");
}
