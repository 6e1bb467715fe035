//! The schemas of ids and times in the API documents.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

use crate::Timestamp;

pub(crate) fn text(build: impl FnOnce(ObjectBuilder) -> ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::Object(
        build(ObjectBuilder::new().schema_type(Type::String)).build(),
    ))
}

/// Implements how a type looks in the documents, with an example.
macro_rules! schema {
    ($name:ident => $format:ident, $example:literal) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::openapi::text(|object| {
                    $crate::openapi::$format(object).examples([$example])
                })
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    };
}
pub(crate) use schema;

pub(crate) fn hex(object: ObjectBuilder) -> ObjectBuilder {
    object.pattern(Some("^[0-9a-f]{16}$"))
}

pub(crate) fn uuid(object: ObjectBuilder) -> ObjectBuilder {
    object.format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

fn date_time(object: ObjectBuilder) -> ObjectBuilder {
    object.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

schema!(Timestamp => date_time, "2026-03-02T09:30:00.000Z");
