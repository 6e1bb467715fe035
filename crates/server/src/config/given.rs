//! The settings that have a value, as text.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::error::ConfigError;

/// The texts of the settings that have a value, by key.
#[derive(Default)]
pub struct Given(HashMap<&'static str, Text>);

struct Text {
    text: String,
    /// Its source, for errors.
    place: String,
}

impl Given {
    /// Sets a text, and replaces the one from a source of lower precedence.
    pub(super) fn put(&mut self, key: &'static str, place: String, text: String) {
        self.0.insert(key, Text { text, place });
    }

    /// Returns the value of a setting, if it has one.
    pub fn optional<T>(&self, key: &'static str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let parse = |Text { text, place }: &Text| {
            text.parse()
                .map_err(|problem| ConfigError::at(place, problem))
        };
        self.0.get(key).map(parse).transpose()
    }

    /// Returns the value of a setting, or its default.
    pub fn required<T>(&self, key: &'static str, default: &str) -> Result<T, ConfigError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let default = || default.parse().map_err(|error| ConfigError::at(key, error));
        self.optional(key)?.map_or_else(default, Ok)
    }
}
