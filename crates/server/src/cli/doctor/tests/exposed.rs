//! Files that other accounts may read.

use std::path::Path;

use super::*;

#[tokio::test]
async fn a_tls_key_or_a_file_of_settings_that_others_can_read_is_found() {
    let place = Place::sqlite().await;
    let (config_file, key) = (
        place.key_file().with_file_name("keymoor.toml"),
        place.key_file().with_file_name("tls-key.pem"),
    );
    let config = Config {
        config_file: Some(config_file.clone()),
        tls: Some(TlsFiles {
            // Everybody may read a certificate.
            certificate: place.key_file().with_file_name("tls.pem"),
            key: key.clone(),
        }),
        ..place.config()
    };
    let set = |file: &Path, mode| {
        std::fs::write(file, "").unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let found = || -> Vec<String> {
        let exposed = files::exposed(&config);
        exposed.iter().map(ToString::to_string).collect()
    };
    set(&config.tls.as_ref().unwrap().certificate, 0o644);
    for (file, check) in [(&config_file, "configuration"), (&key, "tls")] {
        set(&config_file, 0o600);
        set(&key, 0o400);
        assert_eq!(found(), Vec::<String>::new());
        set(file, 0o644);
        let name = file.display();
        let words = format!("other accounts have permissions on {name} -> chmod 600 {name}");
        only(&found(), check, &words);
        std::fs::remove_file(file).unwrap();
    }
}
