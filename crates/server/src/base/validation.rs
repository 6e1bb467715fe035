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

    /// Takes the value of `checked`. Adds its invalid fields under `prefix` if it has any.
    ///
    /// # Errors
    /// Every other error.
    pub fn take<T>(&mut self, prefix: &str, checked: Result<T, Error>) -> Result<Option<T>, Error> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(Error::Invalid(violations)) => {
                for FieldViolation { field, description } in violations {
                    self.add(format!("{prefix}.{field}"), description);
                }
                Ok(None)
            }
            Err(error) => Err(error),
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
