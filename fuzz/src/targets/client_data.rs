//! Client data, signed as they are by the right key.

use serde_json::Value;

use super::authenticator_data;
use crate::scene::ORIGIN;
use crate::targets::Target;

pub(super) const TARGET: Target = Target {
    name: "client_data",
    run,
    seeds,
};

fn run(data: &[u8]) {
    let authenticator_data = authenticator_data::authenticator_data();
    let Ok(verified) = authenticator_data::verify(&authenticator_data, data) else {
        return;
    };
    // "UTF-8 decode" strips a byte order mark.
    let json = data.strip_prefix("\u{feff}".as_bytes()).unwrap_or(data);
    let read: Value = serde_json::from_slice(json).expect("accepted client data are JSON");
    assert_eq!(read["type"], "webauthn.get");
    assert_eq!(read["origin"], ORIGIN);
    assert!(matches!(
        read.get("crossOrigin"),
        None | Some(Value::Bool(false))
    ));
    assert!(read.get("topOrigin").is_none());

    // Nothing but the parsed members decides: printed anew, they verify anew, as the same.
    let printed = authenticator_data::verify(&authenticator_data, read.to_string().as_bytes())
        .expect("the same members verify again");
    assert_eq!(printed.webauthn(), verified.webauthn());
    assert_eq!(printed.claims().jti, verified.claims().jti);
}

fn seeds() -> Vec<Vec<u8>> {
    let valid = authenticator_data::client_data();
    let text = String::from_utf8(valid).expect("the testkit writes UTF-8");
    [
        text.replace("webauthn.get", "webauthn.create"),
        text.replace("https://", "https:\\/\\/"),
        text.replace(
            "\"crossOrigin\":false",
            "\"crossOrigin\":true,\"x\":[{},1.5,null]",
        ),
        text.replace("\"crossOrigin\"", "\"topOrigin\""),
        format!("\u{feff}{text}"),
        text,
    ]
    .map(String::into_bytes)
    .to_vec()
}
