//! Whether the signatures of a registration can hold after a change, told without verifying any.

use keymoor_testkit::cbor::Item;

use crate::der;
use crate::registration::RegistrationResponse;

/// What a signature is by, over and of, if a statement has it.
const SIGNED: [&str; 5] = ["ver", "alg", "sig", "certInfo", "pubArea"];

/// Whether `response` says the same as `signed`, which it was made of, about everything that a
/// signature is over or is verified by, or claims no signature that anybody could verify.
pub(crate) fn hold(signed: &RegistrationResponse, response: &RegistrationResponse) -> bool {
    let (before, _) = Item::read(&signed.attestation_object).expect("the testkit writes CBOR");
    let Some((after, _)) = Item::read(&response.attestation_object) else {
        return false;
    };
    claims_nothing(&after)
        || signed.client_data == response.client_data
            && before.get("fmt") == after.get("fmt")
            && before.get("authData") == after.get("authData")
            && statements_agree(&before, &after)
}

fn statements_agree(before: &Item, after: &Item) -> bool {
    let (Some(before), Some(after)) = (before.get("attStmt"), after.get("attStmt")) else {
        return false;
    };
    let has_same_key = match (leaf(before), leaf(after)) {
        (Some(before), Some(after)) => {
            let key = der::public_key(before).expect("the testkit writes certificates");
            after.windows(key.len()).any(|part| part == key)
        }
        (before, after) => before == after,
    };
    has_same_key
        && SIGNED
            .iter()
            .all(|name| before.get(name) == after.get(name))
}

/// Formats and algorithms that are not known prove nothing (Level 3 section 7.1).
fn claims_nothing(object: &Item) -> bool {
    let Some(Item::Text(format)) = object.get("fmt") else {
        return false;
    };
    let verifiable: &[u64] = match &format[..] {
        // ES256, EdDSA, ES384 and RS256; -1 - n.
        "packed" => &[6, 7, 34, 256],
        // EdDSA names no hash for `extraData`.
        "tpm" => &[6, 34, 256],
        other => return !["android-key", "apple", "fido-u2f"].contains(&other),
    };
    object.get("attStmt").is_some_and(|statement| {
        let is_unknown = match statement.get("alg") {
            Some(Item::Unsigned(_)) => true,
            Some(Item::Negative(n)) => !verifiable.contains(n),
            _ => false,
        };
        leaf(statement).is_some() && is_unknown
    })
}

fn leaf(statement: &Item) -> Option<&[u8]> {
    let Some(Item::Array(chain)) = statement.get("x5c") else {
        return None;
    };
    match chain.first() {
        Some(Item::Bytes(leaf)) => Some(leaf),
        _ => None,
    }
}
