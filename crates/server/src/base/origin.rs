//! The origin of the page that sends a request.

use keymoor_types::url_rules::same_origin;

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
        let is_trusted = |known: &String| same_origin(known, origin);
        if origin == own || trusted().as_ref().iter().any(is_trusted) {
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
    fn d2_web_views_and_extensions_are_trusted_by_the_origin_that_they_send() {
        for (trusted, sent) in [
            ("capacitor://localhost", "capacitor://localhost"),
            ("tauri://localhost", "tauri://localhost"),
            ("http://tauri.localhost", "http://tauri.localhost"),
            (
                "safari-web-extension://E5A0C1D2-0B1C-4D5E-8F90-123456789ABC",
                "safari-web-extension://e5a0c1d2-0b1c-4d5e-8f90-123456789abc",
            ),
        ] {
            let trusted = || [trusted.to_owned()];
            let check = |sent| PageOrigin::new(Some(sent)).require_trusted(trusted, "https://own");
            assert!(check(sent).is_ok(), "{sent}");
            assert!(check("ionic://localhost").is_err(), "{sent}");
        }
    }

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
