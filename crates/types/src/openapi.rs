//! How ids and times look in the API documents.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::{
    ApplicationId, AuthenticatorConfigId, BindingJobId, CredentialId, EventId, IdentityId, RealmId,
    ResourceServerId, TenantId, Timestamp,
};

fn text(build: impl FnOnce(ObjectBuilder) -> ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::Object(
        build(ObjectBuilder::new().schema_type(Type::String)).build(),
    ))
}

macro_rules! schemas {
    ($($name:ident => $build:expr;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($build)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

fn hex(object: ObjectBuilder) -> ObjectBuilder {
    object.pattern(Some("^[0-9a-f]{16}$"))
}

fn uuid(object: ObjectBuilder) -> ObjectBuilder {
    object.format(Some(SchemaFormat::Custom("uuid".to_owned())))
}

fn date_time(object: ObjectBuilder) -> ObjectBuilder {
    object.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

schemas! {
    TenantId => hex;
    RealmId => hex;
    IdentityId => hex;
    CredentialId => hex;
    BindingJobId => hex;
    ApplicationId => uuid;
    AuthenticatorConfigId => uuid;
    ResourceServerId => uuid;
    EventId => uuid;
    Timestamp => date_time;
}
