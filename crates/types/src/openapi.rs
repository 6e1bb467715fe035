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
    ($($name:ident => $build:expr, $example:literal;)*) => {$(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text(|object| $build(object).examples([$example]))
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
    TenantId => hex, "19cade211c052e6b";
    RealmId => hex, "19cade21885f2a74";
    IdentityId => hex, "19cade21f4a269e0";
    CredentialId => hex, "19cade2260f65132";
    BindingJobId => hex, "19cade22cd4a6a3a";
    ApplicationId => uuid, "019cade2-34e8-70c5-8892-f902d23f0824";
    AuthenticatorConfigId => uuid, "019cade2-38b9-7181-90ed-90479531985d";
    ResourceServerId => uuid, "019cade2-3c8a-7e8e-a099-950d36f675cc";
    EventId => uuid, "019cade2-405b-7160-911e-20b86b0d549b";
    Timestamp => date_time, "2026-03-02T09:30:00.000Z";
}
