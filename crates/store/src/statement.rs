//! Statements: one text that both engines take, and the set verbs whose two texts the store makes.

use std::sync::OnceLock;

/// What a test can prepare on either engine.
pub trait Texts: Sync {
    /// The constant's name, for logs and for the test that prepares everything.
    fn name(&self) -> &'static str;
    /// The text PostgreSQL takes.
    fn postgres(&self) -> &str;
    /// The text SQLite takes.
    fn sqlite(&self) -> &str;
}

/// One statement, written once in the part of SQL that both engines share.
///
/// The text is PostgreSQL's. SQLite's is derived from it at compile time, byte for byte:
/// `$1` becomes `?1` (SQLite numbers `$1` by first appearance), `= any($1)` becomes `= ($1)`
/// (the store then asks once for each key), and a closing `for update` is dropped (SQLite has
/// one writer).
pub struct Statement {
    name: &'static str,
    postgres: &'static str,
    sqlite: &'static str,
}

impl Statement {
    /// Called by [`sql!`](crate::sql), which also derives the second text.
    pub const fn new(name: &'static str, postgres: &'static str, sqlite: &'static str) -> Self {
        Self { name, postgres, sqlite }
    }

    pub(crate) fn postgres_text(&self) -> &'static str {
        self.postgres
    }

    pub(crate) fn sqlite_text(&self) -> &'static str {
        self.sqlite
    }
}

impl Texts for Statement {
    fn name(&self) -> &'static str {
        self.name
    }
    fn postgres(&self) -> &str {
        self.postgres
    }
    fn sqlite(&self) -> &str {
        self.sqlite
    }
}

/// SQLite's text of a statement; `N` is its length, which does not change.
pub const fn to_sqlite<const N: usize>(text: &str) -> [u8; N] {
    let from = text.as_bytes();
    let mut to = [b' '; N];
    let mut at = 0;
    while at < N {
        if starts_with(from, at, b"for update") {
            return to;
        }
        if starts_with(from, at, b"any($") {
            at += 3;
            continue;
        }
        to[at] = if from[at] == b'$' { b'?' } else { from[at] };
        at += 1;
    }
    to
}

const fn starts_with(text: &[u8], at: usize, word: &[u8]) -> bool {
    let mut index = 0;
    while index < word.len() {
        if at + index >= text.len() || text[at + index] != word[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// A column of a set verb: its name and its PostgreSQL type.
pub type Column = (&'static str, &'static str);

struct Pair {
    postgres: String,
    sqlite: String,
}

macro_rules! verb {
    ($name:ident) => {
        impl Texts for $name {
            fn name(&self) -> &'static str {
                self.name
            }
            fn postgres(&self) -> &str {
                &self.texts.get_or_init(|| self.write_texts()).postgres
            }
            fn sqlite(&self) -> &str {
                &self.texts.get_or_init(|| self.write_texts()).sqlite
            }
        }
    };
}

/// Inserts many rows: one statement over arrays on PostgreSQL, a prepared loop on SQLite.
pub struct InsertMany {
    name: &'static str,
    table: &'static str,
    columns: &'static [Column],
    texts: OnceLock<Pair>,
}

impl InsertMany {
    /// Called by [`sql!`](crate::sql).
    pub const fn new(name: &'static str, table: &'static str, columns: &'static [Column]) -> Self {
        Self { name, table, columns, texts: OnceLock::new() }
    }

    fn write_texts(&self) -> Pair {
        let names = join(self.columns, ", ", |_, (name, _)| (*name).to_owned());
        let arrays = arrays(self.columns);
        let marks = join(self.columns, ", ", |index, _| format!("?{}", index + 1));
        let table = self.table;
        Pair {
            postgres: format!("insert into {table} ({names}) select * from unnest({arrays})"),
            sqlite: format!("insert into {table} ({names}) values ({marks})"),
        }
    }
}

verb!(InsertMany);

/// Updates many rows by key: the given columns are set, or added to.
pub struct UpdateMany {
    name: &'static str,
    table: &'static str,
    key: &'static [Column],
    set: &'static [Column],
    texts: OnceLock<Pair>,
}

impl UpdateMany {
    /// Called by [`sql!`](crate::sql).
    pub const fn new(
        name: &'static str,
        table: &'static str,
        key: &'static [Column],
        set: &'static [Column],
    ) -> Self {
        Self { name, table, key, set, texts: OnceLock::new() }
    }

    fn write_texts(&self) -> Pair {
        let table = self.table;
        let columns: Vec<Column> = self.key.iter().chain(self.set).copied().collect();
        let names = join(&columns, ", ", |_, (name, _)| (*name).to_owned());
        let arrays = arrays(&columns);
        let from = join(self.set, ", ", |_, (name, _)| format!("{name} = news.{name}"));
        let same = join(self.key, " and ", |_, (name, _)| format!("{table}.{name} = news.{name}"));
        let first = self.key.len() + 1;
        let marks = join(self.set, ", ", |index, (name, _)| format!("{name} = ?{}", index + first));
        let where_ = join(self.key, " and ", |index, (name, _)| format!("{name} = ?{}", index + 1));
        Pair {
            postgres: format!(
                "update {table} set {from} from unnest({arrays}) as news({names}) where {same}"
            ),
            sqlite: format!("update {table} set {marks} where {where_}"),
        }
    }
}

verb!(UpdateMany);

/// Deletes many rows by their whole key.
pub struct DeleteMany {
    name: &'static str,
    table: &'static str,
    key: &'static [Column],
    texts: OnceLock<Pair>,
}

impl DeleteMany {
    /// Called by [`sql!`](crate::sql).
    pub const fn new(name: &'static str, table: &'static str, key: &'static [Column]) -> Self {
        Self { name, table, key, texts: OnceLock::new() }
    }

    fn write_texts(&self) -> Pair {
        let table = self.table;
        let names = join(self.key, ", ", |_, (name, _)| (*name).to_owned());
        let arrays = arrays(self.key);
        let same = join(self.key, " and ", |_, (name, _)| format!("{table}.{name} = gone.{name}"));
        let marks = join(self.key, " and ", |index, (name, _)| format!("{name} = ?{}", index + 1));
        Pair {
            postgres: format!(
                "delete from {table} using unnest({arrays}) as gone({names}) where {same}"
            ),
            sqlite: format!("delete from {table} where {marks}"),
        }
    }
}

verb!(DeleteMany);

fn arrays(columns: &[Column]) -> String {
    join(columns, ", ", |index, (_, kind)| format!("${}::{kind}[]", index + 1))
}

fn join(columns: &[Column], with: &str, each: impl Fn(usize, &Column) -> String) -> String {
    let parts: Vec<String> = columns.iter().enumerate().map(|(i, c)| each(i, c)).collect();
    parts.join(with)
}

/// Declares a feature's statements, and `ALL` of them for the test that prepares each one on
/// both engines.
///
/// ```text
/// store::sql! {
///     query ORDER { "select id, number from orders where id = $1" }
///     insert LINES { "order_lines" (order_id uuid, position bigint) }
///     update STOCK { "stock" by (variant_id uuid) set (on_hand bigint, held bigint) }
///     delete HOLDS { "holds" by (owner_id uuid, variant_id uuid) }
/// }
/// ```
#[macro_export]
macro_rules! sql {
    ($($(#[$doc:meta])* $kind:ident $name:ident { $($body:tt)* })+) => {
        $($crate::sql_item! { $(#[$doc])* $kind $name { $($body)* } })+

        /// Every statement of this feature.
        pub static ALL: &[&dyn $crate::Texts] = &[$(&$name),+];
    };
}

/// One item of [`sql!`].
#[doc(hidden)]
#[macro_export]
macro_rules! sql_item {
    ($(#[$doc:meta])* query $name:ident { $text:expr }) => {
        $(#[$doc])*
        pub(crate) static $name: $crate::Statement = {
            const TEXT: &str = $text;
            const BYTES: [u8; TEXT.len()] = $crate::to_sqlite(TEXT);
            const SQLITE: &str = match std::str::from_utf8(&BYTES) {
                Ok(text) => text,
                Err(_) => panic!("a statement is plain text"),
            };
            $crate::Statement::new(stringify!($name), TEXT, SQLITE)
        };
    };
    ($(#[$doc:meta])* insert $name:ident { $table:literal ($($column:ident $type:ident),+ $(,)?) }) => {
        $(#[$doc])*
        pub(crate) static $name: $crate::InsertMany = $crate::InsertMany::new(
            stringify!($name), $table, &[$((stringify!($column), stringify!($type))),+],
        );
    };
    ($(#[$doc:meta])* update $name:ident {
        $table:literal by ($($key:ident $key_type:ident),+) set ($($column:ident $type:ident),+ $(,)?)
    }) => {
        $(#[$doc])*
        pub(crate) static $name: $crate::UpdateMany = $crate::UpdateMany::new(
            stringify!($name),
            $table,
            &[$((stringify!($key), stringify!($key_type))),+],
            &[$((stringify!($column), stringify!($type))),+],
        );
    };
    ($(#[$doc:meta])* delete $name:ident { $table:literal by ($($column:ident $type:ident),+ $(,)?) }) => {
        $(#[$doc])*
        pub(crate) static $name: $crate::DeleteMany = $crate::DeleteMany::new(
            stringify!($name), $table, &[$((stringify!($column), stringify!($type))),+],
        );
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    sql! {
        query LOCKED { "select a from t where id = any($1) and b > $2 order by id for update" }
        insert ROWS { "t" (id uuid, n bigint) }
        update NS { "t" by (id uuid) set (n bigint) }
        delete GONE { "t" by (id uuid, n bigint) }
    }

    #[test]
    fn one_text_serves_both_engines() {
        assert_eq!(
            LOCKED.sqlite().trim_end(),
            "select a from t where id =    (?1) and b > ?2 order by id"
        );
        assert_eq!(ALL.len(), 4);
        assert_eq!(
            ROWS.postgres(),
            "insert into t (id, n) select * from unnest($1::uuid[], $2::bigint[])"
        );
        assert_eq!(ROWS.sqlite(), "insert into t (id, n) values (?1, ?2)");
        assert_eq!(
            NS.postgres(),
            "update t set n = news.n from unnest($1::uuid[], $2::bigint[]) as news(id, n) \
             where t.id = news.id"
        );
        assert_eq!(NS.sqlite(), "update t set n = ?2 where id = ?1");
        assert_eq!(GONE.sqlite(), "delete from t where id = ?1 and n = ?2");
    }
}
