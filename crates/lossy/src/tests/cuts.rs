use std::ffi::OsStr;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::{Disk, Forgotten, Image};

const SEEDS: u64 = 300;

fn name(name: &str) -> &OsStr {
    OsStr::new(name)
}

/// Every outcome that a cut may have, by its seeds.
fn outcomes(make: impl Fn() -> Disk) -> Vec<(Image, Forgotten)> {
    let cut = |seed| make().cut(&mut ChaCha8Rng::seed_from_u64(seed));
    (0..SEEDS).map(cut).collect()
}

fn holds(image: &Image, file: &str) -> Option<Vec<u8>> {
    image.0.get(name(file)).cloned()
}

fn with_file(bytes: &[u8]) -> Disk {
    let mut image = Image::default();
    image.0.insert("a".into(), bytes.to_vec());
    Disk::new(image)
}

#[test]
fn what_was_synced_is_there() {
    let outcomes = outcomes(|| {
        let mut disk = Disk::new(Image::default());
        let id = disk.create(name("a")).unwrap();
        disk.write(id, 3, b"promised").unwrap();
        disk.sync(id).unwrap();
        disk.sync_names();
        disk
    });
    for (image, forgotten) in outcomes {
        assert_eq!(holds(&image, "a").unwrap(), b"\0\0\0promised");
        assert_eq!(forgotten, Forgotten::default());
    }
}

#[test]
fn what_was_not_synced_may_be_there_or_not_and_is_never_half_a_sector() {
    let outcomes = outcomes(|| {
        let mut disk = with_file(&[1; 1024]);
        disk.write(disk.find(name("a")).unwrap(), 0, &[2; 1024]).unwrap();
        disk
    });
    let mut seen = [0; 4];
    for (image, _) in outcomes {
        let bytes = holds(&image, "a").unwrap();
        let (first, second) = bytes.split_at(512);
        let whole = |sector: &[u8]| match sector[0] {
            byte @ (1 | 2) if sector.iter().all(|other| *other == byte) => usize::from(byte - 1),
            _ => panic!("half a sector"),
        };
        seen[whole(first) * 2 + whole(second)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 5), "torn both ways, kept and lost: {seen:?}");
}

#[test]
fn a_name_that_was_not_synced_may_be_lost_with_the_file() {
    let outcomes = outcomes(|| {
        let mut disk = Disk::new(Image::default());
        let id = disk.create(name("a")).unwrap();
        disk.write(id, 0, b"x").unwrap();
        disk.sync(id).unwrap();
        disk
    });
    let lost = outcomes.iter().filter(|(image, _)| holds(image, "a").is_none()).count();
    assert!((20..280).contains(&lost), "{lost}");
    for (image, _) in outcomes {
        // When the name is there, so is what was synced.
        assert!(holds(&image, "a").is_none_or(|bytes| bytes == b"x"));
    }
}

#[test]
fn a_removal_and_a_rename_may_not_have_happened_and_are_never_half_done() {
    let outcomes = outcomes(|| {
        let mut disk = with_file(b"old");
        disk.rename(name("a"), name("b")).unwrap();
        disk.remove(name("b")).unwrap();
        disk
    });
    let mut seen = [0; 3];
    for (image, _) in outcomes {
        match (holds(&image, "a"), holds(&image, "b")) {
            (Some(_), None) => seen[0] += 1,
            (None, Some(_)) => seen[1] += 1,
            (None, None) => seen[2] += 1,
            (Some(_), Some(_)) => panic!("one file under two names"),
        }
    }
    assert!(seen.iter().all(|count| *count > 20), "{seen:?}");
}

#[test]
fn a_file_that_was_cut_short_may_be_as_long_as_before() {
    let outcomes = outcomes(|| {
        let mut disk = with_file(&[1; 2000]);
        let id = disk.find(name("a")).unwrap();
        disk.set_len(id, 0).unwrap();
        disk
    });
    let mut lengths: Vec<usize> =
        outcomes.iter().map(|(image, _)| holds(image, "a").unwrap().len()).collect();
    lengths.sort_unstable();
    lengths.dedup();
    assert_eq!(lengths, [0, 2000]);
}

#[test]
fn a_disk_that_lies_keeps_no_sync() {
    let outcomes = outcomes(|| {
        let mut disk = with_file(b"old");
        disk.lie();
        let id = disk.find(name("a")).unwrap();
        disk.write(id, 0, b"new").unwrap();
        disk.sync(id).unwrap();
        disk
    });
    let lost = outcomes.iter().filter(|(image, _)| holds(image, "a").unwrap() == b"old").count();
    assert!(lost > 20, "{lost}");
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize, Vec<u8>),
    SetLen(usize),
    Sync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3000_usize, prop::collection::vec(any::<u8>(), 1..1500))
            .prop_map(|(at, bytes)| Step::Write(at, bytes)),
        1 => (0..3000_usize).prop_map(Step::SetLen),
        1 => Just(Step::Sync),
    ]
}

proptest! {
    /// Against the plainest model: a vector, and the vector at the last sync.
    #[test]
    fn reading_gives_what_was_written_and_a_cut_no_less_than_what_was_synced(
        steps in prop::collection::vec(step(), 1..20),
        seed in any::<u64>(),
    ) {
        let mut disk = with_file(&[]);
        let id = disk.find(name("a")).unwrap();
        let (mut now, mut synced) = (Vec::new(), Vec::new());
        // Bytes that may have changed since the last sync.
        let mut touched = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Write(at, bytes) => {
                    disk.write(id, at, &bytes).unwrap();
                    let end = at + bytes.len();
                    touched.extend(now.len().min(at)..end);
                    if now.len() < end {
                        now.resize(end, 0);
                    }
                    now[at..end].copy_from_slice(&bytes);
                }
                Step::SetLen(len) => {
                    disk.set_len(id, len).unwrap();
                    touched.extend(now.len().min(len)..now.len().max(len).max(synced.len()));
                    now.resize(len, 0);
                }
                Step::Sync => {
                    disk.sync(id).unwrap();
                    synced.clone_from(&now);
                    touched.clear();
                }
            }
        }
        prop_assert_eq!(disk.read(id, 0, usize::MAX).unwrap(), &now[..]);
        let (image, _) = disk.cut(&mut ChaCha8Rng::seed_from_u64(seed));
        let left = holds(&image, "a").unwrap();
        for (at, byte) in synced.iter().enumerate().filter(|(at, _)| !touched.contains(at)) {
            // A sector that was written again arrives whole, with the same byte here.
            prop_assert_eq!(left.get(at), Some(byte), "at {}", at);
        }
    }
}
