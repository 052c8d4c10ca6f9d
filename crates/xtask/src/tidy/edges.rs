//! Which crate may name which: the table in ARCHITECTURE.md against the workspace.

use std::collections::{BTreeMap, BTreeSet};

use super::manifests::{Crate, Dependency, line_starting_with};
use super::{Finding, Repository};

const TABLE_FILE: &str = "ARCHITECTURE.md";
const TABLE_START: &str = "```edges";
const TABLE_END: &str = "```";
/// On the right: every crate. On the left, with `(tests)`: the tests of every crate.
const ALL: &str = "*";

/// Libraries that have their rooms.
struct Guard {
    libraries: &'static [&'static str],
    rooms: &'static [&'static str],
    /// Crates whose tests may use them as well.
    rooms_for_tests: &'static [&'static str],
}

const GUARDS: [Guard; 5] = [
    Guard {
        libraries: &["tokio-postgres", "postgres", "postgres-types", "refinery"],
        rooms: &["store"],
        rooms_for_tests: &[],
    },
    Guard { libraries: &["rusqlite"], rooms: &["store", "sandbox"], rooms_for_tests: &[] },
    Guard {
        libraries: &["axum", "hyper", "hyper-util", "tower-http"],
        rooms: &["web", "sandbox", "server", "load"],
        rooms_for_tests: &[],
    },
    // Whoever serves HTTP is tested by a client.
    Guard {
        libraries: &["reqwest"],
        rooms: &["gateways", "jobs"],
        rooms_for_tests: &["web", "sandbox", "server"],
    },
    Guard { libraries: &["askama"], rooms: &["web", "sandbox", "jobs"], rooms_for_tests: &[] },
];

impl Guard {
    fn allows(&self, member: &Crate, dependency: &Dependency) -> bool {
        let name = member.name.as_str();
        self.rooms.contains(&name) || dependency.for_tests && self.rooms_for_tests.contains(&name)
    }
}

pub fn between_our_crates(repository: &Repository) -> Vec<Finding> {
    let Some(file) = repository.file(TABLE_FILE) else {
        return vec![Finding::new(TABLE_FILE, 1, "is missing: it holds the table of edges")];
    };
    let (table, mut findings) = Table::parse(&file.text);
    let ours: BTreeSet<&str> = repository.crates.iter().map(|member| &*member.name).collect();
    for member in &repository.crates {
        if !table.rows.contains_key(&member.name) {
            let message = format!("{} has no line in the table of {TABLE_FILE}", member.name);
            findings.push(Finding::new(&member.manifest, 1, message));
            continue;
        }
        for dependency in &member.dependencies {
            let name = dependency.name.as_str();
            if ours.contains(name) && name != member.name && !table.allows(member, dependency) {
                let tests = if dependency.for_tests { "the tests of " } else { "" };
                let message =
                    format!("{tests}{} may not name {name}, says {TABLE_FILE}", member.name);
                findings.push(at_dependency(repository, member, name, message));
            }
        }
    }
    findings
}

pub fn to_guarded_libraries(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &repository.crates {
        for dependency in &member.dependencies {
            let name = dependency.name.as_str();
            let guard = GUARDS.iter().find(|guard| guard.libraries.contains(&name));
            if let Some(guard) = guard.filter(|guard| !guard.allows(member, dependency)) {
                let rooms = guard.rooms.join(", ");
                let message = format!("{} may not name {name}: only {rooms}", member.name);
                findings.push(at_dependency(repository, member, name, message));
            }
        }
    }
    findings
}

/// A finding at the place where a manifest names a dependency.
fn at_dependency(repository: &Repository, member: &Crate, name: &str, message: String) -> Finding {
    let manifest = repository.file(&member.manifest);
    let line = manifest.map_or(1, |manifest| line_starting_with(&manifest.text, name));
    Finding::new(&member.manifest, line, message)
}

/// The allowed edges.
#[derive(Default)]
struct Table {
    rows: BTreeMap<String, BTreeSet<String>>,
    /// What tests may name beyond that.
    for_tests: BTreeMap<String, BTreeSet<String>>,
}

impl Table {
    /// Reads the block of lines like `flows -> kernel store` or `web (tests) -> server`.
    fn parse(text: &str) -> (Self, Vec<Finding>) {
        let mut table = Self::default();
        let mut findings = Vec::new();
        let mut complain = |line, message: &str| {
            findings.push(Finding::new(TABLE_FILE, line, message));
        };
        let lines: Vec<(usize, &str)> = (1..)
            .zip(text.lines())
            .skip_while(|(_, line)| line.trim_end() != TABLE_START)
            .skip(1)
            .take_while(|(_, line)| line.trim_end() != TABLE_END)
            .filter(|(_, line)| !line.trim().is_empty())
            .collect();
        if lines.is_empty() {
            complain(1, &format!("has no block that starts with {TABLE_START}"));
        }
        for (number, line) in &lines {
            let Some((left, right)) = line.split_once("->") else {
                complain(*number, "a line of the table is `crate -> crate crate ...`");
                continue;
            };
            let left = left.trim();
            let (name, rows) = match left.strip_suffix("(tests)") {
                Some(name) => (name.trim_end(), &mut table.for_tests),
                None => (left, &mut table.rows),
            };
            let names = right.split_whitespace().map(str::to_owned).collect();
            if rows.insert(name.to_owned(), names).is_some() {
                complain(*number, &format!("{left} has a line already"));
            }
        }
        for (number, line) in lines {
            let right = line.split_once("->").map_or("", |(_, right)| right);
            for name in right.split_whitespace() {
                if name != ALL && !table.rows.contains_key(name) {
                    complain(number, &format!("{name} has no line of its own in the table"));
                }
            }
        }
        (table, findings)
    }

    fn allows(&self, member: &Crate, dependency: &Dependency) -> bool {
        let row_allows = |rows: &BTreeMap<String, BTreeSet<String>>, row: &str| {
            rows.get(row).is_some_and(|row| row.contains(&dependency.name) || row.contains(ALL))
        };
        row_allows(&self.rows, &member.name)
            || dependency.for_tests
                && (row_allows(&self.for_tests, &member.name) || row_allows(&self.for_tests, ALL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Title\n\n```edges\nkernel ->\nstore -> kernel\ncarts -> kernel store\n\
        server -> *\n* (tests) -> store\ncarts (tests) -> server\n```\n\nother -> words\n";

    /// A crate that names others; one that starts with `+` is named by its tests only.
    fn member(name: &str, names: &[&str]) -> Crate {
        let dependencies = names.iter().map(|named| Dependency {
            name: named.trim_start_matches('+').to_owned(),
            for_tests: named.starts_with('+'),
        });
        Crate {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies.collect(),
        }
    }

    fn workspace(table: &str, crates: Vec<Crate>) -> Repository {
        let manifest = "[package]\n\n[dependencies]\nserde-json.workspace = true\n\
            serde.workspace = true\n";
        let files = [(TABLE_FILE, table), ("crates/carts/Cargo.toml", manifest)];
        Repository { crates, ..Repository::of(&files) }
    }

    fn edges(table: &str, crates: Vec<Crate>) -> Vec<String> {
        let repository = workspace(table, crates);
        between_our_crates(&repository).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn allowed_edges_are_left_alone() {
        let crates = vec![
            member("kernel", &["serde", "+store", "+kernel"]),
            member("store", &["kernel"]),
            member("carts", &["kernel", "store", "+server"]),
            member("server", &["kernel", "store", "carts"]),
        ];
        assert_eq!(edges(TABLE, crates), Vec::<String>::new());
    }

    #[test]
    fn an_edge_that_is_not_in_the_table_is_found() {
        let crates = vec![
            member("kernel", &[]),
            member("store", &["carts", "+server"]),
            member("carts", &[]),
            member("server", &[]),
        ];
        assert_eq!(
            edges(TABLE, crates),
            [
                "crates/store/Cargo.toml:1: store may not name carts, says ARCHITECTURE.md",
                "crates/store/Cargo.toml:1: the tests of store may not name server, \
                 says ARCHITECTURE.md",
            ]
        );
    }

    #[test]
    fn a_crate_that_is_not_in_the_table_is_found() {
        assert_eq!(
            edges(TABLE, vec![member("novel", &[])]),
            ["crates/novel/Cargo.toml:1: novel has no line in the table of ARCHITECTURE.md"]
        );
    }

    #[test]
    fn a_table_that_is_wrong_or_missing_is_found() {
        let table = "```edges\nkernel -> shop\nkernel ->\nnonsense\n```\n";
        assert_eq!(
            edges(table, Vec::new()),
            [
                "ARCHITECTURE.md:3: kernel has a line already",
                "ARCHITECTURE.md:4: a line of the table is `crate -> crate crate ...`",
                "ARCHITECTURE.md:2: shop has no line of its own in the table",
            ]
        );
        let none = "ARCHITECTURE.md:1: has no block that starts with ```edges";
        assert_eq!(edges("# Title\n", Vec::new()), [none]);
        let missing = "ARCHITECTURE.md:1: is missing: it holds the table of edges";
        let found = between_our_crates(&Repository::default());
        assert_eq!(found.iter().map(Finding::to_string).collect::<Vec<_>>(), [missing]);
    }

    #[test]
    fn a_guarded_library_outside_its_rooms_is_found() {
        for Guard { libraries, rooms, rooms_for_tests } in GUARDS {
            for library in libraries {
                let with = |name: &str, library: &str| {
                    to_guarded_libraries(&workspace(TABLE, vec![member(name, &[library])])).len()
                };
                let in_tests = format!("+{library}");
                assert_eq!(with("carts", library), 1, "{library}");
                assert_eq!(with("carts", &in_tests), 1, "{library}");
                for room in rooms {
                    assert_eq!(with(room, library), 0, "{library} in {room}");
                }
                for room in rooms_for_tests {
                    assert_eq!(with(room, library), 1, "{library} in {room}");
                    assert_eq!(with(room, &in_tests), 0, "{library} in the tests of {room}");
                }
            }
        }
    }

    #[test]
    fn a_finding_points_at_the_dependency() {
        let crates = vec![member("carts", &[])];
        let repository = workspace(TABLE, crates);
        let found = at_dependency(&repository, &repository.crates[0], "serde", String::new());
        assert_eq!(found.line, 5);
    }
}
