//! Running one statement on one connection.

use kernel::{Fault, Uuid};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

use super::fault;
use crate::value::{Columns, Param, Row, Value};

pub(crate) type Take<'t> = dyn FnMut(&Row<'_>) -> Result<(), Fault> + 't;

pub(crate) fn query(
    conn: &Connection,
    text: &str,
    params: &[&dyn Param],
    take: &mut Take<'_>,
) -> Result<(), Fault> {
    let mut statement = prepare(conn, text)?;
    for (index, param) in params.iter().enumerate() {
        bind(&mut statement, index, param.value())?;
    }
    collect(&mut statement, take)
}

/// Asks once for each key.
pub(crate) fn query_by_key(
    conn: &Connection,
    text: &str,
    keys: &[Uuid],
    take: &mut Take<'_>,
) -> Result<(), Fault> {
    let mut statement = prepare(conn, text)?;
    keys.iter().try_for_each(|key| {
        bind(&mut statement, 0, Value::Uuid(*key))?;
        collect(&mut statement, take)
    })
}

pub(crate) fn query_values(
    conn: &Connection,
    text: &str,
    values: &[Value<'_>],
    take: &mut Take<'_>,
) -> Result<(), Fault> {
    let mut statement = prepare(conn, text)?;
    for (index, value) in values.iter().enumerate() {
        bind(&mut statement, index, *value)?;
    }
    collect(&mut statement, take)
}

pub(crate) fn execute(conn: &Connection, text: &str, params: &[&dyn Param]) -> Result<u64, Fault> {
    let mut statement = prepare(conn, text)?;
    for (index, param) in params.iter().enumerate() {
        bind(&mut statement, index, param.value())?;
    }
    touched(&mut statement)
}

pub(crate) fn execute_many<'v, const N: usize>(
    conn: &Connection,
    text: &str,
    rows: impl Iterator<Item = [Value<'v>; N]>,
) -> Result<u64, Fault> {
    let mut statement = prepare(conn, text)?;
    let mut all = 0;
    for row in rows {
        for (index, value) in row.into_iter().enumerate() {
            bind(&mut statement, index, value)?;
        }
        all += touched(&mut statement)?;
    }
    Ok(all)
}

pub(crate) fn column<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Value<'r>, Fault> {
    match row.get_ref(index).map_err(|e| fault(&e))? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(it) => Ok(Value::Int(it)),
        ValueRef::Text(it) => std::str::from_utf8(it)
            .map(Value::Text)
            .map_err(|_| Fault::Broken(format!("column {index} is not UTF-8"))),
        ValueRef::Blob(it) => Ok(Value::Bytes(it)),
        ValueRef::Real(_) => Err(Fault::Broken(format!("column {index} is a float"))),
    }
}

pub(crate) fn prepare<'c>(conn: &'c Connection, text: &str) -> Result<CachedStatement<'c>, Fault> {
    conn.prepare_cached(text).map_err(|e| fault(&e))
}

fn collect(statement: &mut CachedStatement<'_>, take: &mut Take<'_>) -> Result<(), Fault> {
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|e| fault(&e))? {
        take(&Row(Columns::Sqlite(row)))?;
    }
    Ok(())
}

fn touched(statement: &mut CachedStatement<'_>) -> Result<u64, Fault> {
    let touched = statement.raw_execute().map_err(|e| fault(&e))?;
    Ok(touched as u64)
}

fn bind(statement: &mut CachedStatement<'_>, index: usize, value: Value<'_>) -> Result<(), Fault> {
    statement.raw_bind_parameter(index + 1, Bound(value)).map_err(|e| fault(&e))
}

struct Bound<'v>(Value<'v>);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match &self.0 {
            Value::Null => ValueRef::Null,
            Value::Bool(it) => ValueRef::Integer(i64::from(*it)),
            Value::Int(it) => ValueRef::Integer(*it),
            Value::Text(it) => ValueRef::Text(it.as_bytes()),
            Value::Bytes(it) => ValueRef::Blob(it),
            Value::Uuid(it) => ValueRef::Blob(Uuid::as_bytes(it)),
            Value::Time(it) => ValueRef::Integer(it.as_microsecond()),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
