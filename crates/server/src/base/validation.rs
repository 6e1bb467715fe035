//! Collects the invalid fields of a request.

use crate::base::error::{Error, FieldViolation};

/// Collects all invalid fields of a request before rejecting it.
#[derive(Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// Adds the error of `check` under `field`.
    pub fn check(&mut self, field: &str, check: Result<(), &'static str>) {
        if let Err(description) = check {
            self.add(field, description);
        }
    }

    /// Returns `value`, or all collected violations.
    pub fn or<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Error::Invalid(self.0))
        }
    }
}
