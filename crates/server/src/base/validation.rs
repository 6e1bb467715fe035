//! Collects what is wrong with the fields of a request.

use crate::base::error::{Error, FieldViolation};

/// Collects everything that is wrong with a request before refusing it.
#[derive(Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// Adds what `check` finds wrong, under `field`.
    pub fn check(&mut self, field: &str, check: Result<(), &'static str>) {
        if let Err(description) = check {
            self.add(field, description);
        }
    }

    /// `value`, unless anything was wrong.
    pub fn or<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}
