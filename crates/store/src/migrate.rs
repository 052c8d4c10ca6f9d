//! Tables: each feature owns a folder of migrations in the DDL both engines share.

use refinery::{Migration as Step, Runner};

use crate::db::OpenError;
use crate::statement::Texts;

/// One step, named as the library wants it: `V1__what_it_does`.
pub struct Migration {
    /// `V<number>__<words>`.
    pub name: &'static str,
    /// The text of the file.
    pub sql: &'static str,
}

/// A feature's tables and statements.
pub struct Schema {
    /// The crate that owns them.
    pub feature: &'static str,
    /// Oldest first; a step that has been released is never edited.
    pub migrations: &'static [Migration],
    /// Every statement, for the test that prepares them all.
    pub statements: &'static [&'static dyn Texts],
}

/// A comment behind a table says that its rows lie in the order of their key. SQLite needs a
/// word for that; PostgreSQL reads a comment.
const KEY_FIRST: &str = "/* key first */";

/// A comment behind a table says that its rows are never altered nor taken away: `/* append only:
/// TABLE */`. Each engine has its own way of refusing it.
const APPEND_ONLY: &str = "/* append only: ";

/// The text with its comments turned into what the engine understands.
fn in_the_words_of(for_sqlite: bool, text: &str) -> String {
    let mut sql = if for_sqlite { text.replace(KEY_FIRST, "without rowid") } else { text.into() };
    while let Some(at) = sql.find(APPEND_ONLY) {
        let (before, rest) = sql.split_at(at);
        let rest = &rest[APPEND_ONLY.len()..];
        let (table, after) = rest.split_once(" */").unwrap_or((rest, ""));
        let refusal =
            if for_sqlite { append_only_sqlite(table) } else { append_only_postgres(table) };
        sql = format!("{before}{refusal}{after}");
    }
    sql
}

fn append_only_sqlite(table: &str) -> String {
    let refuse = |what: &str| {
        format!(
            "create trigger append_only_{table}_{what} before {what} on {table} begin \
             select raise(abort, '{table} is append only'); end;\n"
        )
    };
    refuse("update") + &refuse("delete")
}

fn append_only_postgres(table: &str) -> String {
    format!(
        "create function append_only_{table}() returns trigger language plpgsql as \
         $$ begin raise exception '{table} is append only'; end $$;\n\
         create trigger append_only_{table} before update or delete or truncate on {table} \
         for each statement execute function append_only_{table}();\n"
    )
}

impl Schema {
    fn runner(&self, for_sqlite: bool) -> Result<Runner, OpenError> {
        let steps: Result<Vec<Step>, _> = self
            .migrations
            .iter()
            .map(|step| {
                let sql = in_the_words_of(for_sqlite, step.sql);
                Step::unapplied(step.name, &sql).map_err(|cause| self.failed(&cause))
            })
            .collect();
        let mut runner = Runner::new(&steps?);
        runner.set_migration_table_name(format!("migrations_of_{}", self.feature));
        // One transaction for the steps and for the note that they were taken: with one for each,
        // a start that is cut off in between leaves tables that the next one makes again.
        Ok(runner.set_grouped(true))
    }

    pub(crate) fn migrate_sqlite(&self, conn: &mut rusqlite::Connection) -> Result<(), OpenError> {
        kernel::crash_point!("tables.to-be-made");
        self.runner(true)?.run(conn).map_err(|cause| self.failed(&cause))?;
        kernel::crash_point!("tables.made");
        Ok(())
    }

    pub(crate) async fn migrate_postgres(
        &self,
        client: &mut tokio_postgres::Client,
    ) -> Result<(), OpenError> {
        kernel::crash_point!("tables.to-be-made-there");
        self.runner(false)?.run_async(client).await.map_err(|cause| self.failed(&cause))?;
        kernel::crash_point!("tables.made-there");
        Ok(())
    }

    fn failed(&self, cause: &refinery::Error) -> OpenError {
        match cause.kind() {
            refinery::error::Kind::MissingVersion(step) => {
                OpenError::Newer(format!("{} {step}", self.feature))
            }
            _ => OpenError::Migration { feature: self.feature, cause: cause.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_the_words_of;

    #[test]
    fn comments_become_what_each_engine_understands() {
        let text = "create table t (a bigint) /* key first */;\n/* append only: t */\n-- end";
        let sqlite = in_the_words_of(true, text);
        assert!(sqlite.starts_with("create table t (a bigint) without rowid;"), "{sqlite}");
        assert!(sqlite.contains("before update on t") && sqlite.contains("before delete on t"));
        let postgres = in_the_words_of(false, text);
        assert!(postgres.contains("/* key first */") && postgres.ends_with("-- end"), "{postgres}");
        assert!(postgres.contains("before update or delete or truncate on t for each statement"));
    }
}
