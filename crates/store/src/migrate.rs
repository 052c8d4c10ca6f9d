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

impl Schema {
    fn runner(&self, for_sqlite: bool) -> Result<Runner, OpenError> {
        let steps: Result<Vec<Step>, _> = self
            .migrations
            .iter()
            .map(|step| {
                let sql = if for_sqlite {
                    step.sql.replace(KEY_FIRST, "without rowid")
                } else {
                    step.sql.to_owned()
                };
                Step::unapplied(step.name, &sql).map_err(|cause| self.failed(&cause))
            })
            .collect();
        let mut runner = Runner::new(&steps?);
        runner.set_migration_table_name(format!("migrations_of_{}", self.feature));
        Ok(runner)
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
