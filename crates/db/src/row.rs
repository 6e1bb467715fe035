//! Rows, read by position.

use crate::value::{Column, Value};
use crate::{Error, Result};

/// One row of a result, as its driver lends it.
pub enum Row<'a> {
    #[doc(hidden)]
    Sqlite(&'a rusqlite::Row<'a>),
    #[doc(hidden)]
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    /// The column at `index`, counted from 0.
    ///
    /// [`Error::Column`] when there is no such column or it holds something else.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        self.value(index).and_then(T::column).ok_or(Error::Column {
            index,
            expected: std::any::type_name::<T>(),
        })
    }

    /// [`Error::Columns`] unless the row has exactly `expected` columns: a statement and the
    /// type that it is read into must not drift apart unnoticed.
    pub fn expect_columns(&self, expected: usize) -> Result<()> {
        let found = match self {
            Row::Sqlite(row) => row.as_ref().column_count(),
            Row::Postgres(row) => row.len(),
        };
        if found == expected {
            Ok(())
        } else {
            Err(Error::Columns { expected, found })
        }
    }

    fn value(&self, index: usize) -> Option<Value<'_>> {
        match self {
            Row::Sqlite(row) => row.get_ref(index).ok()?.try_into().ok(),
            Row::Postgres(row) => row.try_get(index).ok(),
        }
    }
}

/// Can be made of a whole row: a single column, a tuple, or a struct through
/// [`record!`](crate::record).
pub trait FromRow: Sized {
    /// Reads the columns in order.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}

impl<T: Column> FromRow for T {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.expect_columns(1)?;
        row.get(0)
    }
}

/// Reads a struct from the columns in the order in which its fields are listed:
/// `record!(Job { id, state, expires_at });`
#[macro_export]
macro_rules! record {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::FromRow for $name {
            fn from_row(row: &$crate::Row<'_>) -> $crate::Result<Self> {
                row.expect_columns([$(stringify!($field)),*].len())?;
                let mut columns = 0..;
                $(let $field = row.get(columns.next().expect("endless"))?;)*
                Ok(Self { $($field),* })
            }
        }
    };
}

macro_rules! tuples {
    ($($column:ident $index:tt),*) => {
        impl<$($column: Column),*> FromRow for ($($column,)*) {
            fn from_row(row: &Row<'_>) -> Result<Self> {
                row.expect_columns([$($index),*].len())?;
                Ok(($(row.get::<$column>($index)?,)*))
            }
        }
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15);
