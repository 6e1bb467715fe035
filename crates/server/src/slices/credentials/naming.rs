//! The names of new passkeys: what their owner recognises the device by.

use super::model::KeyOrigin;
use crate::base::user_agent::UserAgent;

/// Products by AAGUID. The file states its source.
const PRODUCTS: &str = include_str!("aaguids.tsv");

/// The name of a passkey about whose device nothing is known.
const UNKNOWN: &str = "Passkey";

/// Returns the name of a new passkey: its authenticator's product, or the browser and the system
/// that bound it, as far as they are known.
pub fn default_name(origin: &KeyOrigin, user_agent: &str) -> String {
    let product = match origin {
        KeyOrigin::Software => None,
        KeyOrigin::WebAuthn(key) => product(key.aaguid),
    };
    let name = product.map_or_else(|| UserAgent::parse(user_agent).to_string(), str::to_owned);
    if name.is_empty() {
        UNKNOWN.to_owned()
    } else {
        name
    }
}

/// Returns the product with this AAGUID. `None`: it is unknown, or the authenticator hides it.
fn product(aaguid: [u8; 16]) -> Option<&'static str> {
    let aaguid = uuid::Uuid::from_bytes(aaguid).to_string();
    let (_, name) = products().find(|(known, _)| *known == aaguid)?;
    Some(name)
}

fn products() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = PRODUCTS.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keymoor_webauthn::AttestationLevel;

    use super::*;
    use crate::base::text::check_name;
    use crate::slices::credentials::model::{Mechanism, WebAuthnKey};

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

    fn webauthn(aaguid: [u8; 16]) -> KeyOrigin {
        KeyOrigin::WebAuthn(WebAuthnKey {
            mechanism: Mechanism::WebAuthn,
            credential_id: vec![1],
            rp_id: "app.example".to_owned(),
            aaguid,
            attestation_format: "none".to_owned(),
            attestation_level: AttestationLevel::Unproven,
            sign_count: 0,
            backup_eligible: false,
            backup_state: false,
        })
    }

    #[test]
    fn a_passkey_is_named_after_its_product_or_its_browser() {
        let bitwarden = *b"\xd5\x48\x82\x6e\x79\xb4\xdb\x40\xa3\xd8\x11\x11\x6f\x7e\x83\x49";
        for (origin, user_agent, name) in [
            (webauthn(bitwarden), FIREFOX, "Bitwarden"),
            (webauthn(bitwarden), "", "Bitwarden"),
            (webauthn([0; 16]), FIREFOX, "Firefox on Linux"),
            (webauthn([7; 16]), "", "Passkey"),
            (KeyOrigin::Software, FIREFOX, "Firefox on Linux"),
            (KeyOrigin::Software, "okhttp/5.1.0", "Passkey"),
        ] {
            assert_eq!(default_name(&origin, user_agent), name, "{user_agent}");
        }
    }

    #[test]
    fn every_product_has_an_id_of_its_own_and_a_valid_name() {
        let mut known = BTreeSet::new();
        for (aaguid, name) in products() {
            let parsed = uuid::Uuid::parse_str(aaguid).unwrap();
            assert_eq!(parsed.to_string(), aaguid);
            assert!(!parsed.is_nil() && known.insert(aaguid), "{aaguid}");
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let lines = PRODUCTS.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(known.len(), lines.count());
    }
}
