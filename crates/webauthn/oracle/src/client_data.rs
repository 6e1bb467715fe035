//! Changes of client data as text.

use keymoor_testkit::Dice;

use crate::scene::ORIGIN;

/// Origins that are not the right one, however little they differ from it.
pub(crate) fn other_origin(dice: &mut Dice) -> String {
    let origins = [
        "https://evil.example.org:8443",
        "https://sub.app.example.org:8443",
        "https://app.example.org.evil.example:8443",
        "https://app.example.org:8444",
        "http://app.example.org:8443",
        "http://app.example.org",
        "https://APP.example.org:8443",
        "HTTPS://app.example.org:8443",
        "https://app.example.org:8443/",
        "https://app.example.org/",
        "https://app.example.org:443",
        "https://app.example.org:8443/path",
        "https://app.example.org:8443?query",
        "https://app.example.org:8443#fragment",
        "https://user@app.example.org:8443",
        "https://app.example.org.:8443",
        " https://app.example.org:8443",
        "https:\\\\app.example.org:8443",
        "android:apk-key-hash:AAAA",
        "null",
        "",
    ];
    (*dice.pick(&origins)).to_owned()
}

/// `json`, a flat object of strings and booleans, as another text.
pub(crate) fn respelled(dice: &mut Dice, json: &str) -> String {
    let inside = &json[1..json.len() - 1];
    let repeated = |member: &str| format!("{{{inside},{member}}}");
    match dice.below(18) {
        0 => format!(" {{ {inside} }}\n"),
        1 => format!("\u{feff}{json}"),
        2 => format!("{json} trailing"),
        3 => format!("{json}{json}"),
        4 => format!("[{json}]"),
        5 => repeated(&format!(r#""origin":"{ORIGIN}""#)),
        6 => repeated(r#""type":"webauthn.create""#),
        7 => repeated(r#""extra":1,"extra":2"#),
        8 => repeated(r#""tokenBinding":{"status":"supported"}"#),
        9 => repeated(r#""tokenBinding":"supported""#),
        10 => json.replace("\"type\"", "\"\\u0074ype\""),
        11 => json.replace("https://", "https:\\/\\/"),
        12 => json.replace("webauthn.", "webauthn\\u002e"),
        13 => json.replace("\"crossOrigin\":false", "\"crossOrigin\":null"),
        14 => json.replace("\"crossOrigin\":false", "\"crossOrigin\":\"false\""),
        15 => json.replace("\"type\":", "\"Type\":"),
        16 => json.replacen("\"challenge\":\"", "\"challenge\":\"=", 1),
        _ => padded_challenge(json),
    }
}

/// With the padding that base64url leaves out here (WebAuthn Level 3 section 5.8.1).
fn padded_challenge(json: &str) -> String {
    let Some(start) = json.find("\"challenge\":\"").map(|at| at + 13) else {
        return json.to_owned();
    };
    let Some(length) = json[start..].find('"') else {
        return json.to_owned();
    };
    let padding = "=".repeat((4 - length % 4) % 4);
    let (before, after) = json.split_at(start + length);
    format!("{before}{padding}{after}")
}

/// `json` with one byte changed, still UTF-8.
pub(crate) fn changed(dice: &mut Dice, json: &str) -> String {
    String::from_utf8_lossy(&dice.changed(json.as_bytes())).into_owned()
}
