//! Paging, totals and filters of every list endpoint.
//!
//! Page tokens are encrypted. They contain the list's path, the filter and the last returned row. A
//! token is valid for one list only, and concurrent inserts don't shift its pages.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::{Seconds, Timestamp};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use url::form_urlencoded;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::paging::{Filter, MAX_SKIP, Page, PageRequest, Sizes, bad_token};
use crate::base::vault::{Purpose, Vault};

/// The lifetime of a page token.
const TOKEN_LIFETIME: Seconds = Seconds::DAY.times(7);

/// The item of a list as the API returns it, and the list's properties.
pub trait Listed: Serialize + ToSchema {
    /// The name of the list's schema in the API document.
    const SCHEMA: &'static str;
    /// The member that contains the items.
    const MEMBER: &'static str;
    const SIZES: Sizes;
    /// The attributes that `filter` supports.
    const ATTRIBUTES: &'static [&'static str] = &[];
    /// Additional query parameters that select the items.
    const SELECTORS: &'static [&'static str] = &[];
    /// Whether the list has a total, can be skipped through and has `filter`. Not if it is too long
    /// to be counted.
    const COUNTED: bool = true;
}

/// The query of every list. [`Asked`] parses it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
    #[param(value_type = Option<u32>)]
    page_size: Option<String>,
    /// The `next_page_token` of the previous page. Expires after a week.
    page_token: Option<String>,
    /// The number of items to skip first, at most 10,000. Use `page_token` to read further. Not part
    /// of the page token.
    #[param(value_type = Option<u32>, maximum = 10_000)]
    skip: Option<String>,
    /// A filter of the form `<attribute> eq "<value>"`, from SCIM (RFC 7644, section 3.4.2.2).
    filter: Option<String>,
}

/// The query of a list that is too long to be counted. [`Asked`] parses it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it documents the parameters")]
pub struct LongListQuery {
    /// The maximum number of items. 0 means the default. Larger values are clamped to the maximum.
    page_size: Option<u32>,
    /// The `next_page_token` of the previous page. Expires after a week. A page may have fewer items
    /// than requested, or none, and a token: the server looked through as much as one request may.
    page_token: Option<String>,
}

/// The names of the members of [`ListQuery`]. The first two are those of [`LongListQuery`].
const PARAMETERS: [&str; 4] = ["page_size", "page_token", "skip", "filter"];

/// Rejects a parameter that the operation doesn't have, by its name. Ignoring one, such as a sort
/// order, would return another result than the caller relies on.
///
/// # Errors
/// `Invalid` for the first such parameter.
pub fn reject_unknown(query: Option<&str>, known: impl Fn(&str) -> bool) -> Result<()> {
    let mut names = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    match names.find(|(name, _)| !known(name)) {
        Some((name, _)) => Err(Error::invalid(&*name, "unknown parameter")),
        None => Ok(()),
    }
}

/// A validated request for a page of a list.
pub struct Asked<V> {
    request: PageRequest,
    list: List,
    view: PhantomData<V>,
}

impl<V> Deref for Asked<V> {
    type Target = PageRequest;

    fn deref(&self) -> &PageRequest {
        &self.request
    }
}

impl<V: Listed> FromRequestParts<App> for Asked<V> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let parameters = if V::COUNTED {
            &PARAMETERS[..]
        } else {
            &PARAMETERS[..2]
        };
        let known = |name: &str| parameters.contains(&name) || V::SELECTORS.contains(&name);
        reject_unknown(parts.uri.query(), known)?;
        let unreadable = |_| Error::Malformed("the query could not be read".to_owned());
        let Query(query) = Query::<ListQuery>::from_request_parts(parts, app)
            .await
            .map_err(unreadable)?;
        let list = List {
            name: list_name::<V>(parts),
            vault: app.vault.clone(),
            now: app.now(),
        };
        Ok(Self {
            request: query.read(&list, V::SIZES, V::ATTRIBUTES)?,
            list,
            view: PhantomData,
        })
    }
}

impl<V> Asked<V> {
    /// Returns the response to this request.
    pub fn answer<T: Into<V>>(self, page: Page<T>) -> Paged<V> {
        let next_page_token = page.next_after.map(|after| {
            let cursor = Cursor {
                after,
                filter: self.request.filter,
                size: self.request.size,
                expires: (self.list.now + TOKEN_LIFETIME).as_seconds(),
            };
            cursor.seal(&self.list)
        });
        Paged {
            items: page.items.into_iter().map(Into::into).collect(),
            total_size: page.total_size,
            next_page_token,
        }
    }
}

/// A page as it is sent: the items under their member, `total_size` and, except on the last page,
/// `next_page_token`.
pub struct Paged<V> {
    items: Vec<V>,
    total_size: i64,
    next_page_token: Option<String>,
}

impl<V> Paged<V> {
    /// Returns the items, `total_size` and `next_page_token`, for a list with more members.
    pub fn into_parts(self) -> (Vec<V>, i64, Option<String>) {
        (self.items, self.total_size, self.next_page_token)
    }
}

impl<V: Listed> Serialize for Paged<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut page = serializer.serialize_map(None)?;
        page.serialize_entry(V::MEMBER, &self.items)?;
        if V::COUNTED {
            page.serialize_entry("total_size", &self.total_size)?;
        }
        if let Some(token) = &self.next_page_token {
            page.serialize_entry("next_page_token", token)?;
        }
        page.end()
    }
}

impl<V: Listed> IntoResponse for Paged<V> {
    fn into_response(self) -> Response {
        axum::Json(self).into_response()
    }
}

impl<V: Listed> PartialSchema for Paged<V> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(V::name()));
        // As of the first of two pages, since an example of a list holds one item.
        let total = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .examples([2]);
        let token = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .examples(["q1Xv8bJk3uYc0Wm5Zt7r"]);
        let mut page = ObjectBuilder::new()
            .property(V::MEMBER, items)
            .required(V::MEMBER);
        if V::COUNTED {
            page = page.property("total_size", total).required("total_size");
        }
        page.property("next_page_token", token).into()
    }
}

impl<V: Listed> ToSchema for Paged<V> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(V::SCHEMA)
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((V::name().into_owned(), V::schema()));
        V::schemas(schemas);
    }
}

/// The purpose that page tokens are sealed for.
struct List {
    name: String,
    vault: Vault,
    now: Timestamp,
}

/// The path and the query parameters that select the items. They contain ids, which are read in any
/// case.
fn list_name<V: Listed>(parts: &Parts) -> String {
    let mut name = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    for selector in V::SELECTORS {
        for (_, value) in pairs.iter().filter(|(key, _)| key == selector) {
            write!(name, "&{selector}={value}").expect("writing to a String never fails");
        }
    }
    name.make_ascii_lowercase();
    name
}

/// The decrypted content of a page token.
#[derive(Serialize, Deserialize)]
struct Cursor {
    after: String,
    filter: Option<Filter>,
    size: u32,
    expires: i64,
}

impl ListQuery {
    fn read(&self, list: &List, sizes: Sizes, attributes: &[&str]) -> Result<PageRequest> {
        let filter = self.filter.as_deref().filter(|text| !text.is_empty());
        let filter = filter
            .map(|text| Filter::parse(text, attributes))
            .transpose()?;
        let cursor = match self.page_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => Some(Cursor::open(list, token).ok_or_else(bad_token)?),
            None => None,
        };
        if let (Some(cursor), Some(filter)) = (&cursor, &filter)
            && cursor.filter.as_ref() != Some(filter)
        {
            return Err(Error::invalid(
                "filter",
                "differs from the filter of the page token",
            ));
        }
        let kept = cursor.as_ref().map_or(sizes.default, |cursor| cursor.size);
        let size = match number("page_size", self.page_size.as_deref())? {
            0 => kept,
            size => size.min(sizes.max),
        };
        let skip = number("skip", self.skip.as_deref())?;
        if skip > MAX_SKIP {
            let why = format!("must be {MAX_SKIP} or less; read further with page_token");
            return Err(Error::invalid("skip", why));
        }
        let (after, kept_filter) = cursor.map(|cursor| (cursor.after, cursor.filter)).unzip();
        Ok(PageRequest {
            size,
            skip,
            after,
            filter: filter.or(kept_filter.flatten()),
        })
    }
}

/// Parses an unsigned number of at most 32 bits. Absent means 0, and larger values saturate.
fn number(field: &str, text: Option<&str>) -> Result<u32> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid(field, "must be an integer of 0 or more"));
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

impl Cursor {
    fn seal(&self, list: &List) -> String {
        let plain = serde_json::to_vec(self).expect("a cursor is plain data");
        let sealed = list
            .vault
            .seal(Purpose::PageToken, list.name.as_bytes(), &plain);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    fn open(list: &List, token: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let plain = list
            .vault
            .open(Purpose::PageToken, list.name.as_bytes(), &sealed)
            .ok()?;
        let cursor: Self = keymoor_types::json::from_slice(&plain).ok()?;
        (Timestamp::from_seconds(cursor.expires) > list.now).then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::SystemRng;
    use crate::base::vault::MasterKey;

    fn list(name: &str, now: Timestamp) -> List {
        // Every list has the same vault.
        let vault = Vault::new(&MasterKey::of([7; 32]), Arc::new(SystemRng));
        List {
            name: name.to_owned(),
            vault,
            now,
        }
    }

    fn things(now: i64) -> List {
        list("/v1/tenants/1/things", Timestamp::from_seconds(now))
    }

    fn read(list: &List, page_size: &str, page_token: &str, filter: &str) -> Result<PageRequest> {
        let some = |text: &str| Some(text.to_owned());
        let query = ListQuery {
            page_size: some(page_size),
            page_token: some(page_token),
            skip: None,
            filter: some(filter),
        };
        query.read(list, Sizes::DIRECTORY, &["id", "state"])
    }

    fn field_of(result: Result<PageRequest>) -> String {
        match result {
            Err(Error::Invalid(violations)) => violations[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[derive(Serialize, ToSchema)]
    struct Thing;

    impl Listed for Thing {
        const SCHEMA: &'static str = "ListThings";
        const MEMBER: &'static str = "things";
        const SIZES: Sizes = Sizes::DIRECTORY;
        const SELECTORS: &'static [&'static str] = &["kind", "owner"];
    }

    #[test]
    fn d6_a_list_is_named_by_its_path_and_by_what_selects_its_items() {
        let name = |uri: &str| {
            let (parts, ()) = axum::http::Request::get(uri).body(()).unwrap().into_parts();
            list_name::<Thing>(&parts)
        };
        let named = name("/things?kind=a&owner=b&page_size=3");
        assert_eq!(named, "/things&kind=a&owner=b");
        for same in [
            "/things?page_size=9&owner=b&kind=a&page_token=x",
            "/things?%6bind=%61&owner=b",
        ] {
            assert_eq!(name(same), named, "{same}");
        }
        for other in ["/things", "/things?kind=a", "/others?kind=a&owner=b"] {
            assert_ne!(name(other), named, "{other}");
        }
    }

    #[test]
    fn d6_zero_is_the_default_too_large_is_clamped_and_negative_is_refused() {
        let list = things(0);
        let size = |text| read(&list, text, "", "").map(|page| page.size);
        assert_eq!(size("0").unwrap(), 20);
        assert_eq!(size("7").unwrap(), 7);
        assert_eq!(size("500").unwrap(), 200);
        assert_eq!(size("99999999999999999999").unwrap(), 200);
        for wrong in ["-1", "x", "1.5", " 1"] {
            assert_eq!(field_of(read(&list, wrong, "", "")), "page_size");
        }
    }

    #[test]
    fn d15_more_than_ten_thousand_rows_are_not_skipped() {
        let skip = |text: &str| {
            let query = ListQuery {
                skip: Some(text.to_owned()),
                ..ListQuery::default()
            };
            let page = query.read(&things(0), Sizes::DIRECTORY, &[]);
            page.map(|page| page.skip)
        };
        assert_eq!(skip("10000").unwrap(), 10_000);
        for text in ["10001", "399000", "99999999999999999999"] {
            let Err(Error::Invalid(violations)) = skip(text) else {
                panic!("{text} is accepted");
            };
            assert_eq!(violations[0].field, "skip");
            assert!(violations[0].description.contains("page_token"));
        }
    }

    #[test]
    fn d6_page_tokens_are_bound_to_their_list_and_filter_and_last_a_week() {
        let first = read(&things(0), "2", "", "state eq \"A\"").unwrap();
        let page = first.page(vec![1, 2, 3], 3, |row| *row);
        let asked: Asked<i32> = Asked {
            request: first,
            list: things(0),
            view: PhantomData,
        };
        let token = asked.answer(page).next_page_token.unwrap();

        let second = read(&things(0), "", &token, "").unwrap();
        assert_eq!(second.after::<i64>().unwrap(), Some(2));
        assert_eq!((second.size, second.filtered("state")), (2, Some("A")));

        let other = list("/v1/tenants/2/things", Timestamp::from_seconds(0));
        assert_eq!(field_of(read(&other, "", &token, "")), "page_token");
        assert_eq!(field_of(read(&things(0), "", "nonsense", "")), "page_token");
        assert_eq!(
            field_of(read(&things(0), "", &token, "state eq \"B\"")),
            "filter"
        );
        let a_week = Seconds::DAY.times(7).0;
        assert!(read(&things(a_week - 1), "", &token, "").is_ok());
        assert_eq!(
            field_of(read(&things(a_week), "", &token, "")),
            "page_token"
        );
    }
}
