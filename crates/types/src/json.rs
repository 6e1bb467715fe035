//! JSON whose objects are objects.
//!
//! Derived `Deserialize` implementations also accept an array in place of an object, with the
//! members in the order of their declaration. Such a text has no names, and so avoids every check
//! of names: for unknown, repeated and read-only members. [`Strict`] rejects it at any depth.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde_json::Value;

/// Parses a JSON text like `serde_json::from_slice`, by [`Strict`].
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(Strict(&mut json))?;
    json.end()?;
    Ok(value)
}

/// Parses a JSON text like `serde_json::from_str`, by [`Strict`].
pub fn from_str<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    from_slice(text.as_bytes())
}

/// Reads a value like `serde_json::from_value`, by [`Strict`].
pub fn from_value<T: DeserializeOwned>(value: Value) -> serde_json::Result<T> {
    T::deserialize(Strict(value))
}

/// Reads a field below an internally tagged enum, for `deserialize_with`. Serde copies the content
/// of such an enum before reading it, where [`Strict`] does not see it.
pub fn tagged<'de, D: Deserializer<'de>, T: DeserializeOwned>(json: D) -> Result<T, D::Error> {
    from_value(Value::deserialize(json)?).map_err(D::Error::custom)
}

/// A deserializer that accepts only maps for structs. It also wraps everything that a deserializer
/// hands out: visitors, seeds and accesses.
pub struct Strict<T>(pub T);

/// A visitor that rejects arrays where `must_be_map`.
struct Checked<V> {
    visitor: V,
    must_be_map: bool,
}

impl<V> Checked<V> {
    const fn any(visitor: V) -> Self {
        Self {
            visitor,
            must_be_map: false,
        }
    }

    const fn map(visitor: V) -> Self {
        Self {
            visitor,
            must_be_map: true,
        }
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(Checked::any(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    forward! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_option deserialize_unit deserialize_seq deserialize_map deserialize_identifier
        deserialize_ignored_any
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_struct(name, fields, Checked::map(visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_unit_struct(name, Checked::any(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_newtype_struct(name, Checked::any(visitor))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(length, Checked::any(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_tuple_struct(name, length, Checked::any(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_enum(name, variants, Checked::any(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty),* $(,)?) => {$(
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Checked<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    visit! {
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_char: char,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict(json))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, json: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Strict(json))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if self.must_be_map || is_tagged_enum(&self.visitor) {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        self.visitor.visit_seq(Strict(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Strict(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Strict(data))
    }
}

/// Whether the visitor is that of an internally tagged enum. It asks for any type and accepts an
/// array whose first item is the tag. Only its description tells it from others.
fn is_tagged_enum<'de>(visitor: &impl Visitor<'de>) -> bool {
    struct Expecting<'a, V>(&'a V);

    impl<'de, V: Visitor<'de>> fmt::Display for Expecting<'_, V> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.expecting(f)
        }
    }

    Expecting(visitor)
        .to_string()
        .starts_with("internally tagged enum")
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Strict(json))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Strict(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Strict<A> {
    type Error = A::Error;
    type Variant = Strict<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, content) = self.0.variant_seed(seed)?;
        Ok((name, Strict(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Strict<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Strict(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, Checked::any(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Checked::map(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Point {
        x: i64,
        y: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair(i64, Box<Point>);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Outer {
        Unit,
        Newtype(Point),
        Tuple(i64, Point),
        Struct { point: Point },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Tagged {
        Plain,
        Holding {
            #[serde(deserialize_with = "tagged")]
            point: Point,
            #[serde(deserialize_with = "tagged")]
            more: Vec<Tagged>,
        },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        points: Vec<Point>,
        named: BTreeMap<String, Point>,
        maybe: Option<Point>,
        pair: Pair,
        outer: Vec<Outer>,
        tagged: Vec<Tagged>,
        free: Value,
    }

    const ALL: &str = r#"{
        "points": [{"x":1,"y":null},{"x":2,"y":"\u00e9"}],
        "named": {"a":{"x":3,"y":null}},
        "maybe": {"x":4,"y":"b"},
        "pair": [5,{"x":6,"y":null}],
        "outer": ["Unit",{"Newtype":{"x":7,"y":null}},{"Tuple":[8,{"x":9,"y":null}]},
                  {"Struct":{"point":{"x":10,"y":null}}}],
        "tagged": [{"type":"plain"},
                   {"type":"holding","point":{"x":11,"y":null},"more":[{"type":"plain"}]}],
        "free": [[1],{"a":[2.5,true,null]}]
    }"#;

    #[test]
    fn reads_what_serde_json_reads() {
        let expected: Everything = serde_json::from_str(ALL).unwrap();
        assert_eq!(from_str::<Everything>(ALL).unwrap(), expected);
        let value: Value = serde_json::from_str(ALL).unwrap();
        assert_eq!(from_value::<Everything>(value).unwrap(), expected);
        assert!(from_str::<Point>(r#"{"x":1,"y":null} x"#).is_err());
    }

    #[test]
    fn an_array_is_no_object_at_any_depth() {
        for (object, array) in [
            (r#"{"x":1,"y":null}"#, "[1,null]"),
            (r#"{"x":3,"y":null}"#, "[3,null]"),
            (r#"{"x":4,"y":"b"}"#, r#"[4,"b"]"#),
            (r#"{"x":6,"y":null}"#, "[6,null]"),
            (r#"{"x":7,"y":null}"#, "[7,null]"),
            (r#"{"x":9,"y":null}"#, "[9,null]"),
            (r#"{"x":10,"y":null}"#, "[10,null]"),
            (r#"{"point":{"x":10,"y":null}}"#, r#"[{"x":10,"y":null}]"#),
            (r#"{"x":11,"y":null}"#, "[11,null]"),
            (r#"[{"type":"plain"},"#, r#"[["plain"],"#),
            (r#""more":[{"type":"plain"}]"#, r#""more":[["plain"]]"#),
        ] {
            let text = ALL.replacen(object, array, 1);
            assert_ne!(text, ALL, "{object}");
            let refused = from_str::<Everything>(&text).unwrap_err().to_string();
            assert!(refused.contains("invalid type: sequence"), "{refused}");
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(from_value::<Everything>(value).is_err(), "{array}");
        }
    }
}
