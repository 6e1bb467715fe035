//! The origin of the page that sends a request.

use crate::base::error::{Error, Result};

/// The origin of the page that sends a request, as reported by the browser.
///
/// `None` if no page sends the request, or a page of our own origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageOrigin(Option<String>);

impl PageOrigin {
    pub fn new(origin: Option<impl Into<String>>) -> Self {
        Self(origin.map(Into::into))
    }

    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Rejects a page of an untrusted origin. Without a page, the trusted origins are not computed.
    ///
    /// # Errors
    /// `UntrustedOrigin`
    pub fn require_trusted<T: AsRef<[String]>>(
        &self,
        trusted: impl FnOnce() -> T,
        own: &str,
    ) -> Result<()> {
        let Some(origin) = &self.0 else {
            return Ok(());
        };
        if origin == own || trusted().as_ref().contains(origin) {
            Ok(())
        } else {
            Err(Error::UntrustedOrigin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_only_trusted_origins_and_our_own_pass() {
        let check = |origin: Option<&str>| {
            PageOrigin::new(origin)
                .require_trusted(
                    || ["https://app.example".to_owned()],
                    "https://auth.example",
                )
                .is_ok()
        };
        assert!(check(None));
        assert!(check(Some("https://app.example")));
        assert!(check(Some("https://auth.example")));
        for foreign in [
            "https://app.example.evil",
            "http://app.example",
            "null",
            "https://app.example:444",
            "",
        ] {
            assert!(!check(Some(foreign)), "{foreign}");
        }
    }
}
