//! What a statement binds: one value, or several in order.

use crate::{Param, Value};

/// The parameters of a statement, in the order of their numbers.
///
/// A [`Param`] alone is one; a tuple is whatever its members are, one after the other, and `()` is
/// none. A type that names something by several columns, such as the ids of a row and of what it
/// belongs to, pushes each:
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
/// `Sync`, because the futures of a store function hold one across an await.
pub trait Params: Sync {
    /// Adds the values to those of the parameters before.
    fn bind<'a>(&'a self, values: &mut Values<'a>);
}

/// The values of a statement's parameters: the first is `$1`.
#[derive(Debug, Default)]
pub struct Values<'a>(Vec<Value<'a>>);

impl<'a> Values<'a> {
    /// Adds the value of the next parameter.
    pub fn push(&mut self, param: &'a (impl Param + ?Sized)) {
        if self.0.is_empty() {
            // Nearly every statement's, in one allocation.
            self.0.reserve(16);
        }
        self.0.push(param.value());
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
