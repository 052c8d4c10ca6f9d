//! The handful of types that cross the border to a database, the same on both engines.
//!
//! | here | SQLite | PostgreSQL |
//! |---|---|---|
//! | `bool` | 0 / 1 | `boolean` |
//! | `i64` | integer | `bigint` |
//! | `String` | text | `text` |
//! | `Rate` | integer, hundred-millionths | `bigint` |
//! | `Uuid` and the typed ids | blob of 16 bytes | `uuid` |
//! | `Timestamp` | integer, microseconds since 1970 | `timestamptz` |
//! | [`Json`] | text | `jsonb` |

use kernel::{Currency, Fault, Rate, Timestamp, Uuid};

/// A value on its way in or out, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// SQL null.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text, and JSON on its way in.
    Text(&'a str),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// An id.
    Uuid(Uuid),
    /// An instant, in microseconds.
    Time(Timestamp),
}

/// Anything a statement may be given.
pub trait Param {
    /// The value to bind.
    fn value(&self) -> Value<'_>;
}

/// Anything a column may be read as.
pub trait FromColumn: Sized {
    /// The value as this type, or `None` when the column holds something else.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

/// A JSON document in a `jsonb` column.
#[derive(Clone, Debug, PartialEq)]
pub struct Json<T>(pub T);

macro_rules! plain {
    ($($kind:ty, $self:ident => $value:expr, $from:pat => $back:expr;)+) => {$(
        impl Param for $kind {
            fn value(&self) -> Value<'_> {
                let $self = self;
                $value
            }
        }
        impl FromColumn for $kind {
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    $from => $back,
                    _ => None,
                }
            }
        }
    )+};
}

plain! {
    i64, it => Value::Int(*it), Value::Int(it) => Some(it);
    String, it => Value::Text(it), Value::Text(it) => Some(it.to_owned());
    Vec<u8>, it => Value::Bytes(it), Value::Bytes(it) => Some(it.to_vec());
}

impl Param for bool {
    fn value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl FromColumn for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bool(it) => Some(it),
            Value::Int(it) => Some(it != 0),
            _ => None,
        }
    }
}

impl Param for Uuid {
    fn value(&self) -> Value<'_> {
        Value::Uuid(*self)
    }
}

impl FromColumn for Uuid {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Uuid(it) => Some(it),
            Value::Bytes(it) => Self::from_slice(it).ok(),
            _ => None,
        }
    }
}

impl Param for Timestamp {
    fn value(&self) -> Value<'_> {
        Value::Time(*self)
    }
}

impl FromColumn for Timestamp {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Time(it) => Some(it),
            Value::Int(micros) => Self::from_microsecond(micros).ok(),
            _ => None,
        }
    }
}

impl Param for Currency {
    fn value(&self) -> Value<'_> {
        Value::Text(self.code())
    }
}

impl FromColumn for Currency {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(it) => it.parse().ok(),
            _ => None,
        }
    }
}

impl Param for Rate {
    fn value(&self) -> Value<'_> {
        Value::Int(self.parts())
    }
}

impl FromColumn for Rate {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(parts) => Self::from_parts(parts).ok(),
            _ => None,
        }
    }
}

impl<T: serde::de::DeserializeOwned> FromColumn for Json<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(it) => serde_json::from_str(it).ok().map(Self),
            _ => None,
        }
    }
}

impl Param for &str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Param for &[u8] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<T: Param> Param for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Param::value)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

macro_rules! ids {
    ($($id:ident),+) => {$(
        impl Param for kernel::$id {
            fn value(&self) -> Value<'_> {
                Value::Uuid(self.0)
            }
        }
        impl FromColumn for kernel::$id {
            fn from_value(value: Value<'_>) -> Option<Self> {
                Uuid::from_value(value).map(Self)
            }
        }
    )+};
}

ids!(
    AccountId,
    SessionId,
    PersonalRequestId,
    AddressId,
    ProductId,
    VariantId,
    CategoryId,
    CodeId,
    ImageId,
    CartId,
    OrderId,
    AttemptId,
    RefundId,
    MovementId,
    EventId,
    NoticeId,
    ApiKeyId,
    InvitationId,
    PasskeyId
);

/// One row of an answer; columns are read by position.
pub struct Row<'a>(pub(crate) Columns<'a>);

pub(crate) enum Columns<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// Column `index` (from 0) as `T`; a fault when it holds something else.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, Fault> {
        let value = match &self.0 {
            Columns::Sqlite(row) => crate::sqlite::column(row, index),
            Columns::Postgres(row) => crate::postgres::column(row, index),
        }?;
        T::from_value(value).ok_or_else(|| {
            Fault::Broken(format!(
                "column {index} holds {value:?}, not a {}",
                std::any::type_name::<T>()
            ))
        })
    }
}

/// Anything a whole row may be read as.
pub trait FromRow: Sized {
    /// Reads the columns in the order the statement names them.
    fn from_row(row: &Row<'_>) -> Result<Self, Fault>;
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))+) => {$(
        impl<$($name: FromColumn),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, Fault> {
                Ok(($(row.get::<$name>($index)?,)+))
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
}

/// Implements [`FromRow`] for a struct whose fields stand in the order of the columns.
#[macro_export]
macro_rules! from_row {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::FromRow for $name {
            fn from_row(row: &$crate::Row<'_>) -> Result<Self, $crate::Fault> {
                let mut index = 0..;
                Ok(Self { $($field: row.get(index.next().unwrap_or(usize::MAX))?),+ })
            }
        }
    };
}

/// The query builder's values as ours. Only the types above can stand in a list's filters.
pub(crate) fn from_builder(values: &sea_query::Values) -> Result<Vec<Value<'_>>, Fault> {
    values
        .iter()
        .map(|value| match value {
            sea_query::Value::Bool(it) => Ok(it.map_or(Value::Null, Value::Bool)),
            sea_query::Value::BigInt(it) => Ok(it.map_or(Value::Null, Value::Int)),
            sea_query::Value::BigUnsigned(Some(it)) => i64::try_from(*it)
                .map(Value::Int)
                .map_err(|_| Fault::Broken("a limit is too large".into())),
            sea_query::Value::String(it) => Ok(it.as_deref().map_or(Value::Null, Value::Text)),
            sea_query::Value::Uuid(it) => Ok(it.map_or(Value::Null, Value::Uuid)),
            other => Err(Fault::Broken(format!("a list cannot be filtered by {other:?}"))),
        })
        .collect()
}
