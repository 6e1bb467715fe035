//! Values bound to statements and read from columns.
//!
//! One borrowed enum, [`Value`], stands between the product's types and the two drivers. A stored
//! type implements [`Param`] and [`Column`] in one place. Those of the shared ids and times are at
//! the end of this file.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::Display;
use std::str::FromStr;

use keymoor_types::Timestamp;
use rusqlite::types::{FromSqlError, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A value as both databases hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// SQL's NULL.
    Null,
    /// BIGINT on PostgreSQL, INTEGER on SQLite.
    Int(i64),
    /// BOOLEAN on PostgreSQL, the INTEGER 0 or 1 on SQLite.
    Bool(bool),
    /// TEXT.
    Text(Cow<'a, str>),
    /// BYTEA on PostgreSQL, BLOB on SQLite.
    Bytes(&'a [u8]),
}

/// Can be bound to a statement's parameter.
///
/// `Sync`, because the futures of a store function hold these across an await.
pub trait Param: Sync {
    /// The value to bind.
    fn value(&self) -> Value<'_>;
}

/// Can be read from a column.
pub trait Column: Sized {
    /// Converts the column's value, or returns `None` when it has another type or form.
    fn column(value: Value<'_>) -> Option<Self>;
}

/// Stores a type as the BIGINT that `$into` returns and `$from` reads.
macro_rules! int_column {
    ($($name:ty: $into:ident, $from:ident;)*) => {$(
        impl Param for $name {
            fn value(&self) -> Value<'_> {
                Value::Int(self.$into())
            }
        }

        impl Column for $name {
            fn column(value: Value<'_>) -> Option<Self> {
                i64::column(value).map(<$name>::$from)
            }
        }
    )*};
}

/// Stores a caller's type as the TEXT that its `Display` writes and its `FromStr` reads.
#[macro_export]
macro_rules! text_column {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::Param for $name {
            fn value(&self) -> $crate::Value<'_> {
                $crate::Value::Text(::std::borrow::Cow::Owned(self.to_string()))
            }
        }

        impl $crate::Column for $name {
            fn column(value: $crate::Value<'_>) -> Option<Self> {
                match value {
                    $crate::Value::Text(text) => text.parse().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

macro_rules! hex_id_columns {
    ($($name:ty),*) => { int_column! { $($name: as_i64, from_i64;)* } };
}

keymoor_types::each_hex_id!(hex_id_columns);
keymoor_types::each_uuid_id!(text_column);

int_column! {
    Timestamp: as_micros, from_micros;
}

/// A column of JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> Json<T> {
    /// Returns the text that a column stores for `plain`.
    pub fn value_of(plain: &T) -> Value<'static> {
        let text = serde_json::to_string(plain).expect("stored types have string keys only");
        Value::Text(Cow::Owned(text))
    }
}

impl<T: Serialize + Sync> Param for Json<T> {
    fn value(&self) -> Value<'_> {
        Self::value_of(&self.0)
    }
}

impl<T: DeserializeOwned> Column for Json<T> {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => serde_json::from_str(&text).ok().map(Self),
            _ => None,
        }
    }
}

/// A column of the text that `T` displays and parses, for types of other crates. Use
/// [`text_column!`](crate::text_column) for your own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<T: Display> Text<T> {
    /// Returns the text that a column stores for `plain`.
    pub fn value_of(plain: &T) -> Value<'static> {
        Value::Text(Cow::Owned(plain.to_string()))
    }
}

impl<T: Display + Sync> Param for Text<T> {
    fn value(&self) -> Value<'_> {
        Self::value_of(&self.0)
    }
}

impl<T: FromStr> Column for Text<T> {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok().map(Self),
            _ => None,
        }
    }
}

impl<T: Param + ?Sized> Param for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<T: Param> Param for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Param::value)
    }
}

impl<T: Column> Column for Option<T> {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::column(value).map(Some),
        }
    }
}

impl Param for i64 {
    fn value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl Column for i64 {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }
}

impl Param for bool {
    fn value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl Column for bool {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(truth),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl Param for str {
    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Borrowed(self))
    }
}

impl Param for String {
    fn value(&self) -> Value<'_> {
        self.as_str().value()
    }
}

impl Column for String {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }
}

impl Param for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Param for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Column for Vec<u8> {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<const N: usize> Param for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> Column for [u8; N] {
    fn column(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Bool(truth) => ValueRef::Integer(i64::from(*truth)),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'a> TryFrom<ValueRef<'a>> for Value<'a> {
    type Error = FromSqlError;

    fn try_from(value: ValueRef<'a>) -> Result<Self, FromSqlError> {
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(_) => Value::Text(Cow::Borrowed(value.as_str()?)),
            ValueRef::Blob(bytes) => Value::Bytes(bytes),
            ValueRef::Real(_) => return Err(FromSqlError::InvalidType),
        })
    }
}

type DriverError = Box<dyn StdError + Sync + Send>;

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, DriverError> {
        match (self, ty) {
            (Value::Null, _) => Ok(IsNull::Yes),
            (Value::Int(number), &Type::INT8) => number.to_sql(ty, out),
            (Value::Int(number), &Type::INT4) => i32::try_from(*number)?.to_sql(ty, out),
            (Value::Bool(truth), &Type::BOOL) => truth.to_sql(ty, out),
            (Value::Text(text), _) if <&str as ToSql>::accepts(ty) => text.as_ref().to_sql(ty, out),
            (Value::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            _ => Err(format!("the statement wants {ty} here").into()),
        }
    }

    // The value decides, so the check is in `to_sql`.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, DriverError> {
        Ok(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Bool(bool::from_sql(ty, raw)?),
            Type::BYTEA => Value::Bytes(<&[u8]>::from_sql(ty, raw)?),
            _ => Value::Text(Cow::Borrowed(<&str>::from_sql(ty, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, DriverError> {
        Ok(Value::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA)
            || <&str as FromSql>::accepts(ty)
    }
}
