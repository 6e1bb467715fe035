//! Ids in any case (RFC 9562, section 4), and parameters that nothing reads.

use super::*;

both_apps!(
    ids_are_read_in_any_case_rfc_9562_section_4,
    d6_a_page_token_is_good_for_any_spelling_of_its_list,
    parameters_that_nothing_reads_are_refused_by_name,
);

/// The path with its ids in capitals.
fn shouted(path: &str) -> String {
    let is_id = |segment: &str| segment.contains(|c: char| c.is_ascii_digit()) && segment != "v1";
    let segments = path.split('/').map(|segment| match segment {
        segment if is_id(segment) => segment.to_uppercase(),
        segment => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

async fn ids_are_read_in_any_case_rfc_9562_section_4(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let in_capitals = shouted(&path);
    assert_ne!(in_capitals, path);
    assert_eq!(
        test.manage(Method::GET, &in_capitals, None).await.ok(),
        made
    );

    let filtered = |attribute: &str| {
        let id = id(&made).to_uppercase();
        let list = shouted(&list_path(&test, realm));
        format!("{list}?filter={attribute}%20eq%20%22{id}%22")
    };
    let found = test.manage(Method::GET, &filtered("id"), None).await.ok();
    assert_eq!(found["applications"], json!([made]));
    let found = test
        .manage(Method::GET, &filtered("display_name"), None)
        .await
        .ok();
    assert_eq!(found["total_size"], 0);

    let config = test.made.console_config.id.to_string();
    let of_admins = with(
        web(),
        json!({ "authenticator_config_id": config.to_uppercase() }),
    );
    let made = create(&test, test.made.realm.id, of_admins).await.ok();
    assert_eq!(made["authenticator_config_id"], config);
}

async fn d6_a_page_token_is_good_for_any_spelling_of_its_list(test: TestApp) {
    let realm = test.new_realm().await;
    for _ in 0..2 {
        create(&test, realm, web()).await.ok();
    }
    let list = list_path(&test, realm);
    let first = format!("{}?page_size=1", shouted(&list));
    let first = test.manage(Method::GET, &first, None).await.ok();
    let token = first["next_page_token"].as_str().unwrap();
    let second = format!("{list}?page_token={token}");
    let second = test.manage(Method::GET, &second, None).await.ok();
    assert_ne!(second["applications"][0], first["applications"][0]);
}

async fn parameters_that_nothing_reads_are_refused_by_name(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await.ok();
    let list = list_path(&test, realm);
    let one = format!("{list}/{}", id(&made));
    let tokens = format!("{one}/tokens");
    for (method, path, name) in [
        (
            Method::GET,
            format!("{list}?order_by=display_name"),
            "order_by",
        ),
        (
            Method::GET,
            format!("{list}?page_size=1&pageToken=x"),
            "pageToken",
        ),
        (
            Method::GET,
            format!("{list}?principal_type=identity"),
            "principal_type",
        ),
        (
            Method::GET,
            format!("{tokens}?principal_type=identity&order_by=id"),
            "order_by",
        ),
        (
            Method::GET,
            format!("{one}?filter=id%20eq%20%22x%22"),
            "filter",
        ),
        (Method::DELETE, format!("{one}?force=true"), "force"),
    ] {
        let refused = test.manage(method, &path, None).await;
        let expected = (name.to_owned(), "unknown parameter".to_owned());
        assert_eq!(violation(&refused), expected, "{path}");
    }
    assert_eq!(test.manage(Method::GET, &one, None).await.ok(), made);
    for fine in [
        format!("{list}?page_size=1&skip=0&filter=&page_token="),
        format!("{tokens}?principal_type=identity&page_size=1"),
    ] {
        test.manage(Method::GET, &fine, None).await.ok();
    }
}
