//! The table of error codes is complete, and the page made from it is the newest.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shop::{TABLES, TestShop};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every source file of the workspace's crates.
fn sources() -> Vec<(PathBuf, String)> {
    let mut directories: Vec<PathBuf> = fs::read_dir(workspace().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("src"))
        .filter(|path| path.is_dir())
        .collect();
    let mut sources = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

/// Codes that refusals give, and codes that `Problem::new` is called with.
fn used() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for (path, text) in sources() {
        for body in text.split("fn code(&self) -> &'static str {").skip(1) {
            let body = body.split("\n    }\n").next().unwrap();
            codes.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
        }
        if !path.components().any(|part| part.as_os_str() == "web") {
            continue;
        }
        for call in text.split("::new(").skip(1) {
            // `Problem::new(StatusCode::…, "code", …)`; a status kept in a name counts as well.
            let mut arguments = call.splitn(3, ',').map(str::trim);
            let status = arguments.next().unwrap_or_default();
            let code = arguments.next().and_then(|code| code.strip_prefix('"'));
            if status.starts_with("StatusCode::") || status == "status" {
                codes.extend(code.and_then(|code| code.strip_suffix('"')).map(str::to_owned));
            }
        }
    }
    let faults = ["overloaded", "storage-full", "storage-unavailable"];
    codes.extend(faults.map(str::to_owned));
    codes
}

#[test]
fn every_code_is_listed_and_every_listed_code_is_used() {
    let listed: BTreeSet<String> =
        web::problem::catalogue().iter().map(|(code, ..)| (*code).to_owned()).collect();
    assert_eq!(listed.len(), web::problem::catalogue().len(), "a code is listed twice");
    let used = used();
    assert!(used.len() > 40, "the search for codes has lost its way: {used:?}");
    assert_eq!(used.difference(&listed).collect::<Vec<_>>(), [""; 0], "not listed");
    assert_eq!(listed.difference(&used).collect::<Vec<_>>(), [""; 0], "listed, but not used");
}

#[test]
fn the_page_of_errors_is_the_newest() {
    let page = fs::read_to_string(workspace().join("docs/errors.md")).unwrap_or_default();
    let command = "run `cargo run -- errors > docs/errors.md`";
    assert!(page == web::problem::catalogue_markdown(), "docs/errors.md is old: {command}");
}

#[test]
fn the_page_of_roles_is_the_newest() {
    let page = fs::read_to_string(workspace().join("docs/roles.md")).unwrap_or_default();
    let command = "run `cargo run -- roles > docs/roles.md`";
    assert!(page == identity::roles_markdown(), "docs/roles.md is old: {command}");
}

store::on_both_engines! { TABLES;
    async fn every_type_leads_somewhere(db: TestDb) {
        let shop = TestShop::open(db).await;
        for (code, status, meaning) in web::problem::catalogue() {
            let page = shop.get(format!("/problems/{code}")).expect(200).await.body;
            assert_eq!((&page["status"], &page["meaning"]), (&(*status).into(), &(*meaning).into()));
        }
        shop.get("/problems/nothing").refused(404, "not-found").await;
    }
}
