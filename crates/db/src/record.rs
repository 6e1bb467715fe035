//! [`record!`](crate::record!): the columns of a struct, spelled once.

/// Implements [`FromRow`](crate::FromRow) for a struct from one list of its columns.
///
/// `title` reads the field from the column of the same name, `id: "book_id"` from that column.
/// `authors: Json` reads JSON text into a plain field, and `Text` does the same for a type's own
/// text. `authors: Json("author_names")` combines both.
///
/// Columns are found by name, so their order in the statement does not matter. A missing column is
/// [`Error::NoColumn`](crate::Error::NoColumn), an additional one is
/// [`Error::Columns`](crate::Error::Columns).
///
/// For the row of a table, add `as` and a name. The list then also defines a macro of this name,
/// which expands to the columns as a literal for `concat!`, and implements
/// [`Params`](crate::Params), which binds all fields in the same order:
///
/// ```
/// use keymoor_db::{Json, Result, Tx, record};
///
/// pub struct Book {
///     pub id: i64,
///     pub title: String,
///     pub authors: Vec<String>,
/// }
///
/// record!(Book as columns {
///     id: "book_id",
///     title,
///     authors: Json,
/// });
///
/// pub async fn insert(tx: &mut Tx, book: &Book, shelf: i64) -> Result<()> {
///     const SQL: &str = concat!(
///         "INSERT INTO books (", columns!(), ", shelf) VALUES ($1, $2, $3, $4)"
///     );
///     tx.exec(SQL, &(book, shelf)).await?;
///     Ok(())
/// }
///
/// pub async fn find(tx: &mut Tx, id: i64) -> Result<Option<Book>> {
///     const SQL: &str = concat!("SELECT ", columns!(), " FROM books WHERE book_id = $1");
///     tx.opt(SQL, &id).await
/// }
///
/// assert_eq!(columns!(), "book_id, title, authors");
/// ```
#[macro_export]
macro_rules! record {
    ($name:ident as $columns:ident {
        $($field:ident $(: $how:tt $(($column:literal))?)?),+ $(,)?
    }) => {
        $crate::record!($name { $($field $(: $how $(($column))?)?),+ });

        impl $crate::Params for $name {
            fn bind<'a>(&'a self, values: &mut $crate::Values<'a>) {
                $($crate::record!(@bind self values $field $(: $how)?);)+
            }
        }

        // For tuples with a borrowed struct. An impl for every `&T` would overlap with `&T: Param`.
        impl $crate::Params for &$name {
            fn bind<'a>(&'a self, values: &mut $crate::Values<'a>) {
                $crate::Params::bind(*self, values);
            }
        }

        $crate::record!(@columns $columns $([$field $(: $how $(($column))?)?])+);
    };
    ($name:ident { $($field:ident $(: $how:tt $(($column:literal))?)?),+ $(,)? }) => {
        impl $crate::FromRow for $name {
            fn find(columns: &mut $crate::Columns<'_>) -> $crate::Result<()> {
                $(columns.take($crate::record!(@name $field $(: $how $(($column))?)?))?;)+
                Ok(())
            }

            fn from_row(row: &mut $crate::Row<'_>) -> $crate::Result<Self> {
                Ok(Self { $($field: $crate::record!(@read row $(: $how)?)),+ })
            }
        }
    };

    (@columns $columns:ident [$($first:tt)+] $([$($next:tt)+])*) => {
        macro_rules! $columns {
            () => {
                concat!(
                    $crate::record!(@name $($first)+)
                    $(, ", ", $crate::record!(@name $($next)+))*
                )
            };
        }
    };

    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident: $column:literal) => { $column };
    (@name $field:ident: $wrapper:ident) => { stringify!($field) };
    (@name $field:ident: $wrapper:ident($column:literal)) => { $column };

    (@read $row:ident) => { $row.read()? };
    (@read $row:ident: $column:literal) => { $row.read()? };
    (@read $row:ident: $wrapper:ident) => {{
        let $wrapper(plain) = $row.read()?;
        plain
    }};

    (@bind $self:ident $values:ident $field:ident) => { $values.push(&$self.$field) };
    (@bind $self:ident $values:ident $field:ident: $column:literal) => {
        $values.push(&$self.$field)
    };
    (@bind $self:ident $values:ident $field:ident: $wrapper:ident) => {
        $values.push_value($wrapper::value_of(&$self.$field))
    };
}
