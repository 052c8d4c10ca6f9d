//! Who may open a database, and which.

use super::*;
use crate::{EngineKind, OpenError, Options};

static NEWER: Schema = Schema {
    feature: "things",
    migrations: &[
        Migration { name: "V1__things", sql: THINGS.migrations[0].sql },
        Migration { name: "V2__more", sql: "create table more (id uuid not null primary key);" },
    ],
    statements: &[],
};

/// Its note cannot be written: as when the process ends between the tables and the note.
static CUT_OFF: Schema = Schema {
    feature: "half",
    migrations: &[Migration {
        name: "V1__half",
        sql: "create table half (id uuid not null primary key);
            insert into migrations_of_half (version, name, applied_on, checksum)
                values (1, 'half', '2026-01-01T00:00:00Z', '1');",
    }],
    statements: &[],
};
static WHOLE: Schema = Schema {
    feature: "half",
    migrations: &[Migration {
        name: "V1__half",
        sql: "create table half (id uuid not null primary key);",
    }],
    statements: &[],
};

crate::on_both_engines! { &[&crate::SCHEMA];
    async fn tables_and_the_note_of_them_are_made_together(t: TestDb) {
        t.db.close();
        let cut_off = Db::open(&Options::new(t.url.clone()), &[&crate::SCHEMA, &CUT_OFF]);
        let Err(OpenError::Migration { feature: "half", .. }) = cut_off.map(|_| ()) else {
            panic!("it opened")
        };
        Db::open(&Options::new(t.url.clone()), &[&crate::SCHEMA, &WHOLE]).unwrap().close();
    }
}

crate::on_both_engines! { &[&crate::SCHEMA, &NEWER];
    async fn an_older_binary_does_not_touch_a_newer_schema(t: TestDb) {
        t.db.close();
        let older = Db::open(&Options::new(t.url.clone()), SCHEMAS);
        let Err(error @ OpenError::Newer(_)) = older.map(|_| ()) else { panic!("it opened") };
        let words = error.to_string();
        assert!(words.contains("things") && words.contains("newer Holdfast"), "{words}");
        assert!(!words.contains('\n'));
        Db::open(&Options::new(t.url.clone()), &[&crate::SCHEMA, &NEWER]).unwrap().close();
    }
}

crate::on_both_engines! { SCHEMAS;
    async fn an_older_schema_is_brought_up_to_date(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        t.db.close();
        let newer = Db::open(&Options::new(t.url.clone()), &[&crate::SCHEMA, &NEWER]).unwrap();
        assert_eq!(numbers(&newer).await, [1], "what was there is there");
        newer.close();
    }

    async fn a_look_writes_nothing_and_disturbs_nobody(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        let look = Db::open_to_look(&Options::new(t.url.clone())).unwrap();
        add_one(&t.db, 2).await.unwrap();
        assert_eq!(numbers(&look).await, [1, 2]);
        if t.db.engine() == EngineKind::Sqlite {
            assert!(matches!(add_one(&look, 3).await, Err(Fault::Unavailable(_))));
        }
        look.close();
        add_one(&t.db, 3).await.unwrap();
    }

    async fn a_test_may_break_every_rule_and_put_everything_back(t: TestDb) {
        add_one(&t.db, 1).await.unwrap();
        add_one(&t.db, 2).await.unwrap();
        let before = t.dump().await.unwrap();
        t.keep().await.unwrap();
        let too_large = "update things set n = 5000000
            where id = uuid '00000000-0000-0000-0000-000000000002'";
        t.raw(too_large).await.unwrap();
        assert_eq!(numbers(&t.db).await, [1, 5_000_000], "past every check");
        assert_ne!(before, t.dump().await.unwrap());
        t.restore().await.unwrap();
        assert_eq!(before, t.dump().await.unwrap());
        add_one(&t.db, 3).await.unwrap();
    }
}

#[tokio::test]
async fn a_second_process_hears_one_clear_line() {
    let t = TestDb::new(EngineKind::Sqlite, SCHEMAS);
    let second = Db::open(&Options::new(t.url.clone()), SCHEMAS).map(|_| ());
    let Err(error @ OpenError::InUse(_)) = second else { panic!("{second:?}") };
    let words = error.to_string();
    assert!(words.contains("another Holdfast process is using") && !words.contains('\n'));
    t.db.close();
    Db::open(&Options::new(t.url.clone()), SCHEMAS).unwrap().close();
}

#[test]
fn an_address_that_is_none_is_said() {
    for address in ["", "shop.db", "mysql://x/y"] {
        let opened = Db::open(&Options::new(address), SCHEMAS).map(|_| ());
        assert!(matches!(opened, Err(OpenError::Address(_))), "{address}: {opened:?}");
    }
    let absent = Db::open_to_look(&Options::new("sqlite:/nowhere/shop.db")).map(|_| ());
    assert!(matches!(absent, Err(OpenError::Absent(_))), "{absent:?}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = Options::new(format!("sqlite:{}/shop.db", file.path().display()));
    let opened = Db::open(&below, SCHEMAS).map(|_| ());
    assert!(matches!(opened, Err(OpenError::Unwritable { .. })), "{opened:?}");
    let nobody = Options::new("postgres://postgres@127.0.0.1:1/nothing");
    let opened = Db::open(&nobody, SCHEMAS).map(|_| ());
    assert!(matches!(opened, Err(OpenError::Engine(_))), "{opened:?}");
}
