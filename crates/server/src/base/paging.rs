//! List requests, filters and pages.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::text::check_plain;

/// The default and the maximum page size of a list.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub default: u32,
    pub max: u32,
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

/// The maximum number of rows to skip. A skipped row is read like a returned one, so pages further
/// on are reached by page tokens.
pub const MAX_SKIP: u32 = 10_000;

/// A validated request for one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    pub size: u32,
    pub skip: u32,
    /// The id of the last row of the previous page.
    pub after: Option<String>,
    pub filter: Option<Filter>,
}

/// `attribute eq "value"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub attribute: String,
    pub value: String,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The number of items of the whole list.
    pub total_size: i64,
    /// The id after which the next page starts. Absent on the last page.
    pub next_after: Option<String>,
}

impl PageRequest {
    /// Returns the number of rows to select: one more than requested, to detect a next page.
    pub fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }

    pub fn offset(&self) -> i64 {
        i64::from(self.skip)
    }

    /// The id of the last row of the previous page.
    ///
    /// # Errors
    /// `Invalid` for a page token of another list.
    pub fn after<T: FromStr>(&self) -> Result<Option<T>> {
        self.after
            .as_deref()
            .map(|text| text.parse().map_err(|_| bad_token()))
            .transpose()
    }

    /// Returns the value that the filter requires for `attribute`.
    pub fn filtered(&self, attribute: &str) -> Option<&str> {
        self.filter
            .as_ref()
            .filter(|filter| filter.attribute == attribute)
            .map(|filter| filter.value.as_str())
    }

    /// Creates a page from up to [`Self::limit`] rows, ordered by id.
    pub fn page<T, I: ToString>(
        &self,
        mut rows: Vec<T>,
        total_size: i64,
        id: impl Fn(&T) -> I,
    ) -> Page<T> {
        let size = self.size as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more);
        Page {
            next_after: last.map(|last| id(last).to_string()),
            items: rows,
            total_size,
        }
    }
}

/// Returns the error for an invalid page token.
pub fn bad_token() -> Error {
    Error::invalid("page_token", "invalid page token")
}

impl<T> Page<T> {
    /// A list without items.
    pub const fn empty() -> Self {
        Self {
            items: Vec::new(),
            total_size: 0,
            next_after: None,
        }
    }

    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(item).collect(),
            total_size: self.total_size,
            next_after: self.next_after,
        }
    }

    /// # Errors
    /// The first error of `item`.
    pub fn try_map<U>(self, item: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        Ok(Page {
            items: self.items.into_iter().map(item).collect::<Result<_>>()?,
            total_size: self.total_size,
            next_after: self.next_after,
        })
    }
}

impl Filter {
    /// Parses a filter over `attributes`, a subset of SCIM's filters (RFC 7644, section 3.4.2.2).
    ///
    /// # Errors
    /// `Invalid` for the field `filter`.
    pub fn parse(text: &str, attributes: &[&str]) -> Result<Self> {
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
        let mut value: String = serde_json::from_str(value.trim())
            .map_err(|_| wrong("the value must be a string in double quotes".to_owned()))?;
        check_plain(&value).map_err(|why| wrong(why.to_owned()))?;
        if *attribute == "id" {
            // Ids are read in any case and stored in lower case.
            value.make_ascii_lowercase();
        }
        Ok(Self {
            attribute: (*attribute).to_owned(),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: PageRequest = PageRequest {
        size: 2,
        skip: 0,
        after: None,
        filter: None,
    };

    #[test]
    fn a_page_with_a_row_too_many_has_a_next_one() {
        let page = REQUEST.page(vec![1, 2, 3], 9, |row| *row);
        assert_eq!((page.items, page.total_size), (vec![1, 2], 9));
        assert_eq!(page.next_after.as_deref(), Some("2"));
    }

    #[test]
    fn the_last_page_has_no_next_one() {
        assert_eq!(REQUEST.page(vec![1, 2], 2, |row| *row).next_after, None);
    }

    #[test]
    fn filters_name_a_known_attribute_and_a_quoted_value() {
        let parse = |text| Filter::parse(text, &["id", "traits.username"]);
        let filter = parse(r#"traits.username EQ "a \"b\"""#).unwrap();
        assert_eq!(
            (filter.attribute.as_str(), filter.value.as_str()),
            ("traits.username", "a \"b\"")
        );
        let by_id = parse(r#"id eq "19CADE21F4A269E0""#).unwrap();
        assert_eq!(by_id.value, "19cade21f4a269e0");
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
