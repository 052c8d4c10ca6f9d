//! Values in PostgreSQL's binary format.
//!
//! Source of the layouts: the server's `send`/`recv` functions of each type; integers are big
//! endian, instants are microseconds since 2000-01-01 UTC, `jsonb` is a version byte and text.

use std::error::Error;

use bytes::BytesMut;
use kernel::{Fault, Timestamp, Uuid};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::value::Value;

/// Microseconds from 1970 to 2000.
const EPOCH_2000: i64 = 946_684_800_000_000;

pub(crate) fn column(row: &tokio_postgres::Row, index: usize) -> Result<Value<'_>, Fault> {
    row.try_get(index).map_err(|e| Fault::Broken(format!("column {index}: {e}")))
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Bool(it), &Type::BOOL) => out.extend_from_slice(&[u8::from(*it)]),
            (Value::Int(it), &Type::INT8) => out.extend_from_slice(&it.to_be_bytes()),
            (Value::Int(it), &Type::INT4) => {
                out.extend_from_slice(&i32::try_from(*it)?.to_be_bytes());
            }
            (Value::Text(it), &Type::JSONB) => {
                out.extend_from_slice(&[1]);
                out.extend_from_slice(it.as_bytes());
            }
            (Value::Text(it), &Type::TEXT | &Type::VARCHAR | &Type::UNKNOWN) => {
                out.extend_from_slice(it.as_bytes());
            }
            (Value::Bytes(it), &Type::BYTEA) => out.extend_from_slice(it),
            (Value::Uuid(it), &Type::UUID) => out.extend_from_slice(it.as_bytes()),
            (Value::Time(it), &Type::TIMESTAMPTZ) => {
                out.extend_from_slice(&(it.as_microsecond() - EPOCH_2000).to_be_bytes());
            }
            (value, ty) => return Err(format!("{value:?} cannot be sent as {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match *ty {
            Type::BOOL => Ok(Value::Bool(raw == [1])),
            Type::INT8 => Ok(Value::Int(i64::from_be_bytes(raw.try_into()?))),
            Type::INT4 => Ok(Value::Int(i64::from(i32::from_be_bytes(raw.try_into()?)))),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::BPCHAR | Type::UNKNOWN => {
                Ok(Value::Text(std::str::from_utf8(raw)?))
            }
            Type::JSONB => Ok(Value::Text(std::str::from_utf8(raw.get(1..).unwrap_or_default())?)),
            Type::BYTEA => Ok(Value::Bytes(raw)),
            Type::UUID => Ok(Value::Uuid(Uuid::from_slice(raw)?)),
            Type::TIMESTAMPTZ => {
                let micros = i64::from_be_bytes(raw.try_into()?).saturating_add(EPOCH_2000);
                Ok(Value::Time(Timestamp::from_microsecond(micros)?))
            }
            _ => Err(format!("a column of type {ty} cannot be read").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
