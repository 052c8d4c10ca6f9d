//! A shop that is handed out has no crash points: its binary is searched for their names.

const LIST: &str = include_str!("../../../docs/crash-points.md");

#[test]
fn the_binary_has_crash_points_only_when_they_were_asked_for() {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_holdfast")).unwrap();
    let names = LIST.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 70, "the list is read");
    let around_dots: Vec<&[u8]> = binary.split(|byte| *byte == b'.').collect();
    let is_there = |name: &&str| {
        let (room, moment) = name.split_once('.').expect("a point is a room and a moment");
        let (room, moment) = (room.as_bytes(), moment.as_bytes());
        around_dots.windows(2).any(|two| two[0].ends_with(room) && two[1].starts_with(moment))
    };
    let found: Vec<&str> = names.iter().copied().filter(is_there).collect();
    // With them, the same search finds every one: it can find what it looks for.
    let expected = if cfg!(feature = "failpoints") { names } else { Vec::new() };
    assert_eq!(found, expected);
}
