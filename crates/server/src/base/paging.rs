//! Lists: paging, totals and filters, the same for every resource.
//!
//! Page tokens are sealed. They name the list, the filter and the last row that was given, so
//! that a token is good for one list only and rows inserted meanwhile shift nothing.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::{Seconds, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::text::check_plain;
use crate::base::vault::Purpose;

/// How long a page token is good for.
const TOKEN_LIFETIME: Seconds = Seconds::DAY.times(7);

/// How many rows a list gives by default and at most.
#[derive(Clone, Copy)]
pub struct Sizes {
    default: u32,
    max: u32,
}

impl Sizes {
    /// Lists of the directory: 20, at most 200.
    pub const DIRECTORY: Self = Self {
        default: 20,
        max: 200,
    };
    /// Lists of configuration: 100.
    pub const CONFIGURATION: Self = Self {
        default: 100,
        max: 100,
    };
}

/// The query of every list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ListQuery {
    /// At most this many items. 0 is the default; a larger number than the maximum is clamped.
    #[param(value_type = Option<u32>)]
    page_size: Option<String>,
    /// `next_page_token` of the page before. Expires after a week.
    page_token: Option<String>,
    /// How many items to pass over first. Not kept by the page token.
    #[param(value_type = Option<u32>)]
    skip: Option<String>,
    /// `<attribute> eq "<value>"`, from SCIM's filters (RFC 7644, section 3.4.2.2).
    filter: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = Query::<Self>::from_request_parts(parts, state).await;
        query
            .map(|Query(query)| query)
            .map_err(|_| Error::Malformed("the query could not be read".to_owned()))
    }
}

/// Which list a page token belongs to: `tenants/…/realms/…/identities`.
pub struct List<'a> {
    pub name: &'a str,
    pub sizes: Sizes,
    /// The attributes that `filter` may name.
    pub attributes: &'a [&'a str],
}

/// A request for one page, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    size: u32,
    skip: u32,
    after: Option<String>,
    pub filter: Option<Filter>,
}

/// `attribute eq "value"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub attribute: String,
    pub value: String,
}

/// What a page token says once opened.
#[derive(Serialize, Deserialize)]
struct Cursor {
    after: String,
    filter: Option<Filter>,
    size: u32,
    expires: i64,
}

impl ListQuery {
    pub fn read(&self, ctx: &Context, list: &List<'_>) -> Result<PageRequest> {
        let filter = self.filter.as_deref().filter(|text| !text.is_empty());
        let filter = filter
            .map(|text| Filter::parse(text, list.attributes))
            .transpose()?;
        let cursor = match self.page_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => Some(Cursor::open(ctx, list, token).ok_or_else(bad_token)?),
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
        let kept = cursor
            .as_ref()
            .map_or(list.sizes.default, |cursor| cursor.size);
        let size = match number("page_size", self.page_size.as_deref())? {
            0 => kept,
            size => size.min(list.sizes.max),
        };
        let skip = number("skip", self.skip.as_deref())?;
        let (after, kept_filter) = cursor.map(|cursor| (cursor.after, cursor.filter)).unzip();
        Ok(PageRequest {
            size,
            skip,
            after,
            filter: filter.or(kept_filter.flatten()),
        })
    }
}

fn bad_token() -> Error {
    Error::invalid("page_token", "invalid page token")
}

/// An unsigned number of at most 32 bits; absent is 0. Anything larger means "as many as can be".
fn number(field: &str, text: Option<&str>) -> Result<u32> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(0);
    };
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid(field, "must be an integer of 0 or more"));
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

impl PageRequest {
    /// How many rows to select: one more than asked for, which tells whether a next page exists.
    pub fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }

    pub fn offset(&self) -> i64 {
        i64::from(self.skip)
    }

    /// The id of the last row of the page before.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>> {
        self.after
            .as_deref()
            .map(|text| text.parse().map_err(|_| bad_token()))
            .transpose()
    }

    /// The value that the filter wants `attribute` to have.
    pub fn filtered(&self, attribute: &str) -> Option<&str> {
        self.filter
            .as_ref()
            .filter(|filter| filter.attribute == attribute)
            .map(|filter| filter.value.as_str())
    }
}

/// One page of a list.
pub struct Page<T> {
    pub items: Vec<T>,
    /// How many items the whole list has.
    pub total_size: i64,
    pub next_page_token: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page from up to [`PageRequest::limit`] rows in the order of their ids.
    pub fn new<I: ToString>(
        ctx: &Context,
        list: &List<'_>,
        request: PageRequest,
        mut rows: Vec<T>,
        total_size: i64,
        id: impl Fn(&T) -> I,
    ) -> Self {
        let size = request.size as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next_page_token = rows.last().filter(|_| more).map(|last| {
            let expires = (ctx.now + TOKEN_LIFETIME).as_seconds();
            Cursor {
                after: id(last).to_string(),
                filter: request.filter,
                size: request.size,
                expires,
            }
            .seal(ctx, list)
        });
        Self {
            items: rows,
            total_size,
            next_page_token,
        }
    }
}

impl Cursor {
    fn seal(&self, ctx: &Context, list: &List<'_>) -> String {
        let plain = serde_json::to_vec(self).expect("a cursor is plain data");
        URL_SAFE_NO_PAD.encode(
            ctx.app
                .vault
                .seal(Purpose::PageToken, list.name.as_bytes(), &plain),
        )
    }

    fn open(ctx: &Context, list: &List<'_>, token: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let plain = ctx
            .app
            .vault
            .open(Purpose::PageToken, list.name.as_bytes(), &sealed)
            .ok()?;
        let cursor: Self = serde_json::from_slice(&plain).ok()?;
        (Timestamp::from_seconds(cursor.expires) > ctx.now).then_some(cursor)
    }
}

impl Filter {
    fn parse(text: &str, attributes: &[&str]) -> Result<Self> {
        let wrong = |why: String| Error::invalid("filter", why);
        let mut words = text.trim().splitn(3, char::is_whitespace);
        let (Some(attribute), Some(operator), Some(value)) =
            (words.next(), words.next(), words.next())
        else {
            return Err(wrong(
                "must have the form <attribute> eq \"value\"".to_owned(),
            ));
        };
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(wrong("the only operator is eq".to_owned()));
        }
        if attributes.is_empty() {
            return Err(wrong("this list has no filter".to_owned()));
        }
        let Some(attribute) = attributes
            .iter()
            .find(|known| known.eq_ignore_ascii_case(attribute))
        else {
            return Err(wrong(format!("attributes are {}", attributes.join(", "))));
        };
        let value: String = serde_json::from_str(value.trim())
            .map_err(|_| wrong("the value must be a string in double quotes".to_owned()))?;
        check_plain(&value).map_err(|why| wrong(why.to_owned()))?;
        Ok(Self {
            attribute: (*attribute).to_owned(),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    const LIST: List<'_> = List {
        name: "tenants/1/things",
        sizes: Sizes::DIRECTORY,
        attributes: &["id", "state"],
    };

    fn query(page_size: &str, page_token: &str, filter: &str) -> ListQuery {
        let some = |text: &str| Some(text.to_owned());
        ListQuery {
            page_size: some(page_size),
            page_token: some(page_token),
            skip: None,
            filter: some(filter),
        }
    }

    fn field_of(result: Result<PageRequest>) -> String {
        match result {
            Err(Error::Invalid(violations)) => violations[0].field.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn d6_zero_is_the_default_too_large_is_clamped_and_negative_is_refused() {
        let test = TestApp::sqlite().await;
        let ctx = test.context();
        let size = |text| query(text, "", "").read(&ctx, &LIST).map(|page| page.size);
        assert_eq!(size("0").unwrap(), 20);
        assert_eq!(size("7").unwrap(), 7);
        assert_eq!(size("500").unwrap(), 200);
        assert_eq!(size("99999999999999999999").unwrap(), 200);
        for wrong in ["-1", "x", "1.5", " 1"] {
            assert_eq!(
                field_of(query(wrong, "", "").read(&ctx, &LIST)),
                "page_size"
            );
        }
    }

    #[tokio::test]
    async fn d6_page_tokens_are_bound_to_their_list_and_filter_and_last_a_week() {
        let test = TestApp::sqlite().await;
        let ctx = test.context();
        let first = query("2", "", "state eq \"A\"").read(&ctx, &LIST).unwrap();
        let page = Page::new(&ctx, &LIST, first, vec![1, 2, 3], 3, |row| *row);
        assert_eq!(
            (page.items.as_slice(), page.total_size),
            ([1, 2].as_slice(), 3)
        );
        let token = page.next_page_token.unwrap();

        let second = query("", &token, "").read(&ctx, &LIST).unwrap();
        assert_eq!(second.after::<i64>().unwrap(), Some(2));
        assert_eq!((second.size, second.filtered("state")), (2, Some("A")));

        let other = List {
            name: "tenants/2/things",
            ..LIST
        };
        assert_eq!(
            field_of(query("", &token, "").read(&ctx, &other)),
            "page_token"
        );
        assert_eq!(
            field_of(query("", "nonsense", "").read(&ctx, &LIST)),
            "page_token"
        );
        assert_eq!(
            field_of(query("", &token, "state eq \"B\"").read(&ctx, &LIST)),
            "filter"
        );

        test.clock.advance(Seconds::DAY.times(7));
        assert_eq!(
            field_of(query("", &token, "").read(&test.context(), &LIST)),
            "page_token"
        );
    }

    #[tokio::test]
    async fn the_last_page_has_no_next_token() {
        let test = TestApp::sqlite().await;
        let ctx = test.context();
        let request = query("3", "", "").read(&ctx, &LIST).unwrap();
        assert!(
            Page::new(&ctx, &LIST, request, vec![1, 2, 3], 3, |row| *row)
                .next_page_token
                .is_none()
        );
    }

    #[test]
    fn filters_name_a_known_attribute_and_a_quoted_value() {
        let parse = |text| Filter::parse(text, &["id", "traits.username"]);
        let filter = parse(r#"traits.username EQ "a \"b\"""#).unwrap();
        assert_eq!(
            (filter.attribute.as_str(), filter.value.as_str()),
            ("traits.username", "a \"b\"")
        );
        for wrong in [
            "",
            "id",
            "id eq",
            "id eq x",
            "id co \"x\"",
            "id eq \"\\u0000\"",
            "other eq \"x\"",
            "id eq \"x\" or id eq \"y\"",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(Filter::parse(r#"id eq "x""#, &[]).is_err());
    }
}
