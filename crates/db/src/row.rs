//! Rows: structs find their columns by name, single values by position.

use crate::error::{Error, Result};
use crate::value::{Column, Value};

/// Can be read from a whole row: a single column, a struct with [`record!`](crate::record!), or a
/// tuple of these, which divide the columns among them.
pub trait FromRow: Sized {
    /// Takes the columns that [`FromRow::from_row`] reads, in the same order. Called once per
    /// statement, so that reading a row looks up no names.
    fn find(columns: &mut Columns<'_>) -> Result<()>;

    /// Reads the columns that [`FromRow::find`] took.
    fn from_row(row: &mut Row<'_>) -> Result<Self>;
}

/// The columns of a result. Each is taken once.
pub struct Columns<'a> {
    names: Names<'a>,
    /// The positions of the columns taken so far, in the order of taking.
    places: Vec<usize>,
    /// Whether `places` is anything else than 0, 1, 2, …
    is_shuffled: bool,
}

/// The names of a statement's columns, borrowed from its driver.
pub(crate) enum Names<'a> {
    Sqlite(&'a rusqlite::Statement<'a>),
    Postgres(&'a [tokio_postgres::Column]),
}

impl Names<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Sqlite(statement) => statement.column_count(),
            Self::Postgres(columns) => columns.len(),
        }
    }

    fn get(&self, place: usize) -> Option<&str> {
        match self {
            Self::Sqlite(statement) => statement.column_name(place).ok(),
            Self::Postgres(columns) => columns.get(place).map(tokio_postgres::Column::name),
        }
    }
}

impl Columns<'_> {
    /// Returns the positions of the columns of `T`, in the order in which it reads them.
    ///
    /// Fails with [`Error::Columns`] unless `T` takes every column, so that a statement and its row
    /// type can't drift apart unnoticed.
    pub(crate) fn places_of<T: FromRow>(names: Names<'_>) -> Result<Vec<usize>> {
        let found = names.len();
        let mut columns = Columns {
            names,
            places: Vec::with_capacity(found),
            is_shuffled: false,
        };
        T::find(&mut columns)?;
        let places = columns.places;
        if places.len() == found {
            Ok(places)
        } else {
            Err(Error::Columns {
                expected: places.len(),
                found,
            })
        }
    }

    /// Takes the first remaining column, whatever its name.
    pub fn take_first(&mut self) {
        self.places.push(self.first());
    }

    /// Takes the first remaining column called `name`.
    ///
    /// [`Error::NoColumn`] if there is none.
    pub fn take(&mut self, name: &'static str) -> Result<()> {
        let first = self.first();
        if self.names.get(first) == Some(name) {
            self.places.push(first);
            return Ok(());
        }
        let place = (first..self.names.len())
            .find(|place| self.names.get(*place) == Some(name) && !self.places.contains(place))
            .ok_or(Error::NoColumn { name })?;
        self.is_shuffled = true;
        self.places.push(place);
        Ok(())
    }

    /// Returns the position of the first remaining column, or the number of columns if none
    /// remains.
    fn first(&self) -> usize {
        let taken = self.places.len();
        if self.is_shuffled {
            (0..taken)
                .find(|place| !self.places.contains(place))
                .unwrap_or(taken)
        } else {
            taken
        }
    }
}

/// One row of a result, read in the order in which [`FromRow::find`] took its columns.
pub struct Row<'a> {
    cells: Cells<'a>,
    places: std::slice::Iter<'a, usize>,
}

/// The values of a row, borrowed from its driver.
pub(crate) enum Cells<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    pub(crate) fn new(cells: Cells<'a>, places: &'a [usize]) -> Self {
        Self {
            cells,
            places: places.iter(),
        }
    }

    /// Reads the next column that was taken.
    ///
    /// Fails with [`Error::Column`] if its value can't be converted to `T`.
    pub fn read<T: Column>(&mut self) -> Result<T> {
        let place = self.places.next();
        let index = *place.expect("a type reads no more columns than it has taken");
        self.value(index).and_then(T::column).ok_or(Error::Column {
            index,
            expected: std::any::type_name::<T>(),
        })
    }

    fn value(&self, index: usize) -> Option<Value<'_>> {
        match self.cells {
            Cells::Sqlite(row) => row.get_ref(index).ok()?.try_into().ok(),
            Cells::Postgres(row) => row.try_get(index).ok(),
        }
    }
}

impl<T: Column> FromRow for T {
    fn find(columns: &mut Columns<'_>) -> Result<()> {
        columns.take_first();
        Ok(())
    }

    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        row.read()
    }
}

macro_rules! tuples {
    ($($member:ident),*) => {
        impl<$($member: FromRow),*> FromRow for ($($member,)*) {
            fn find(columns: &mut Columns<'_>) -> Result<()> {
                $($member::find(columns)?;)*
                Ok(())
            }

            fn from_row(row: &mut Row<'_>) -> Result<Self> {
                Ok(($($member::from_row(row)?,)*))
            }
        }
    };
}

tuples!(A);
tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);
tuples!(A, B, C, D, E);
tuples!(A, B, C, D, E, F);
tuples!(A, B, C, D, E, F, G);
tuples!(A, B, C, D, E, F, G, H);
tuples!(A, B, C, D, E, F, G, H, I);
tuples!(A, B, C, D, E, F, G, H, I, J);
tuples!(A, B, C, D, E, F, G, H, I, J, K);
tuples!(A, B, C, D, E, F, G, H, I, J, K, L);
tuples!(A, B, C, D, E, F, G, H, I, J, K, L, M);
tuples!(A, B, C, D, E, F, G, H, I, J, K, L, M, N);
tuples!(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O);
tuples!(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P);
