//! Parameters of a statement.

use crate::value::{Param, Value};

/// The parameters of a statement, in the order of their numbers.
///
/// A single [`Param`] is one parameter, a tuple binds its members one after the other, and `()`
/// binds nothing. A type that stands for several columns, such as a reference to a row by all of
/// its ids, binds each:
///
/// ```
/// use keymoor_db::{Params, Values};
///
/// struct Place {
///     shelf: i64,
///     book: i64,
/// }
///
/// impl Params for Place {
///     fn bind<'a>(&'a self, values: &mut Values<'a>) {
///         values.push(&self.shelf);
///         values.push(&self.book);
///     }
/// }
///
/// # let (place, reader) = (Place { shelf: 1, book: 2 }, "ada");
/// // $1 is the shelf, $2 the book, $3 the reader.
/// let params = (place, reader);
/// # let mut values = Values::default();
/// # params.bind(&mut values);
/// ```
///
/// `Sync`, because the futures of store functions hold it across an await.
pub trait Params: Sync {
    /// Appends the values.
    fn bind<'a>(&'a self, values: &mut Values<'a>);
}

/// The values of a statement's parameters, beginning with `$1`.
#[derive(Debug, Default)]
pub struct Values<'a>(Vec<Value<'a>>);

impl<'a> Values<'a> {
    /// Appends the value of a parameter.
    pub fn push(&mut self, param: &'a (impl Param + ?Sized)) {
        self.push_value(param.value());
    }

    /// Appends a value.
    pub fn push_value(&mut self, value: Value<'a>) {
        if self.0.is_empty() {
            // One allocation for nearly every statement.
            self.0.reserve(16);
        }
        self.0.push(value);
    }

    pub(crate) fn of(params: &'a (impl Params + ?Sized)) -> Vec<Value<'a>> {
        let mut values = Self::default();
        params.bind(&mut values);
        values.0
    }
}

impl<T: Param + ?Sized> Params for T {
    fn bind<'a>(&'a self, values: &mut Values<'a>) {
        values.push(self);
    }
}

impl Params for () {
    fn bind<'a>(&'a self, _: &mut Values<'a>) {}
}

macro_rules! tuples {
    ($($member:ident $index:tt),*) => {
        impl<$($member: Params),*> Params for ($($member,)*) {
            fn bind<'a>(&'a self, values: &mut Values<'a>) {
                $(self.$index.bind(values);)*
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
