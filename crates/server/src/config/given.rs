//! The settings that were given, as texts.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::error::ConfigError;

/// The texts of the settings that were given, by key.
#[derive(Default)]
pub struct Given(HashMap<&'static str, Text>);

struct Text {
    text: String,
    /// Where it was given, for errors.
    place: String,
}

impl Given {
    /// Adds a text, or replaces the one that another source gave.
    pub(super) fn put(&mut self, key: &'static str, place: String, text: String) {
        self.0.insert(key, Text { text, place });
    }

    /// The value of a setting, if it was given.
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

    /// The value of a setting, or its default.
    pub fn required<T>(&self, key: &'static str, default: &str) -> Result<T, ConfigError>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let default = || default.parse().map_err(|error| ConfigError::at(key, error));
        self.optional(key)?.map_or_else(default, Ok)
    }
}
