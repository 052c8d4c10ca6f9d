//! SQL has its places, so that one test can prepare every statement on both engines.

use super::{Finding, Repository, TextFile};

/// Crates whose whole subject is the database, or that keep a file of their own.
const CRATES: [&str; 3] = ["crates/store/", "crates/reports/", "crates/sandbox/"];

pub fn stands_in_its_places(repository: &Repository) -> Vec<Finding> {
    let elsewhere = repository.rust().filter(|(file, _)| !is_a_place(file));
    elsewhere
        .flat_map(|(file, rust)| {
            let statements = rust
                .strings
                .iter()
                .filter(|literal| !rust.is_test(literal.line) && is_statement(&literal.text));
            statements.map(|literal| {
                let message = "SQL stands here: move the statement to the sql.rs of its owner";
                Finding::new(&file.path, literal.line, message)
            })
        })
        .collect()
}

fn is_a_place(file: &TextFile) -> bool {
    file.name() == "sql.rs"
        || file.is_for_tests()
        || CRATES.iter().any(|place| file.path.starts_with(place))
}

/// Whether a literal starts like a statement. A sentence to a person starts with a capital and
/// goes on small ("Select a size"); that counts only when the rest reads like SQL as well.
fn is_statement(literal: &str) -> bool {
    let text = literal.trim_start();
    let first = text.split_whitespace().next().unwrap_or_default();
    let shouts_or_whispers =
        first.chars().all(char::is_lowercase) || first.chars().all(char::is_uppercase);
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let has = |word: &str| flat.contains(word);
    if flat.starts_with("select ") {
        return shouts_or_whispers || (has(" from ") && has("*"));
    }
    flat.starts_with("insert into ")
        || flat.starts_with("delete from ") && (shouts_or_whispers || has(" where "))
        || flat.starts_with("update ") && has(" set ") && (shouts_or_whispers || has("="))
        || flat.starts_with("with ") && has(" as (")
        || ["create ", "alter ", "drop "].iter().any(|verb| {
            let object = flat.strip_prefix(verb).unwrap_or_default();
            ["table ", "index ", "unique index "].iter().any(|kind| object.starts_with(kind))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_from_sentences() {
        for statement in [
            "select 1",
            "\n    SELECT id\n    FROM orders",
            "Select * From orders",
            "insert into orders (id) values ($1)",
            "update stock\n set held = 0",
            "delete from carts",
            "create table orders (id uuid)",
            "create unique index a on b (c)",
            "with due as (select 1) select 2",
        ] {
            assert!(is_statement(statement), "{statement}");
        }
        for sentence in [
            "Select a size",
            "selected",
            "update available",
            "Update the quantity, then set the address",
            "Delete from the cart?",
            "with care",
            "create a table",
            "",
        ] {
            assert!(!is_statement(sentence), "{sentence}");
        }
    }

    #[test]
    fn a_statement_in_the_wrong_place_is_found() {
        let text = "fn a() {\n    tx.run(\"select 1\")\n}\n";
        let found = stands_in_its_places(&Repository::of(&[
            ("crates/carts/src/lines.rs", text),
            ("crates/carts/src/sql.rs", text),
            ("crates/carts/src/tests.rs", text),
            ("crates/carts/benches/lane.rs", text),
            ("crates/server/tests/it/main.rs", text),
            ("crates/store/src/outbox.rs", text),
            ("crates/reports/src/sales.rs", text),
            ("crates/sandbox/src/ledger.rs", text),
        ]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("crates/carts/src/lines.rs", 2));
    }

    #[test]
    fn comments_and_test_modules_may_show_sql() {
        let text =
            "// \"select 1\"\n#[cfg(test)]\nmod tests {\n    const A: &str = \"select 1\";\n}\n";
        assert_eq!(stands_in_its_places(&Repository::of(&[("crates/a/src/b.rs", text)])), []);
    }
}
