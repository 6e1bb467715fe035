//! Pages and filters.

use super::*;

both_apps!(e3_lists_count_and_page, filters_find_by_each_attribute);

async fn e3_lists_count_and_page(test: TestApp) {
    for username in ["ada", "bob", "eve"] {
        test.clock.advance(Seconds(1));
        new_identity(&test, username).await;
    }
    let all = list(&test, "").await;
    assert_eq!(
        (usernames(&all), &all["total_size"]),
        (vec!["admin", "ada", "bob", "eve"], &json!(4))
    );
    assert!(all.get("next_page_token").is_none());
    let first = list(&test, "?page_size=2").await;
    assert_eq!(
        (usernames(&first), &first["total_size"]),
        (vec!["admin", "ada"], &json!(4))
    );
    let token = first["next_page_token"].as_str().unwrap();
    let second = list(&test, &format!("?page_token={token}")).await;
    assert_eq!(
        (usernames(&second), &second["total_size"]),
        (vec!["bob", "eve"], &json!(4))
    );
    assert!(second.get("next_page_token").is_none());
    assert_eq!(
        usernames(&list(&test, "?skip=1&page_size=2").await),
        ["ada", "bob"]
    );
}

async fn filters_find_by_each_attribute(test: TestApp) {
    for (name, username) in [("Ada", "ada"), ("Ada", "lovelace"), ("Bob", "bob")] {
        test.clock.advance(Seconds(1));
        let mut traits = traits(username);
        traits["external_id"] = format!("x-{username}").into();
        traits["primary_email_address"] = format!("{username}@example.com").into();
        create(&test, json!({ "display_name": name, "traits": traits }))
            .await
            .ok();
    }
    let ada = list(&test, "?skip=1&page_size=1").await["identities"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (attribute, value, found) in [
        ("id", ada.as_str(), vec!["ada"]),
        ("id", "nonsense", vec![]),
        ("display_name", "Ada", vec!["ada", "lovelace"]),
        ("traits.username", "BOB", vec!["bob"]),
        ("username", "bob", vec!["bob"]),
        ("traits.external_id", "x-ada", vec!["ada"]),
        (
            "traits.primary_email_address",
            "bob@example.com",
            vec!["bob"],
        ),
        ("traits.primary_email_address", "eve@example.com", vec![]),
    ] {
        let page = list(&test, &format!("?filter={attribute}%20eq%20%22{value}%22")).await;
        assert_eq!(
            (usernames(&page), &page["total_size"]),
            (found.clone(), &json!(found.len())),
            "{attribute}"
        );
    }
    let first = list(&test, "?page_size=1&filter=display_name%20eq%20%22Ada%22").await;
    assert_eq!(
        (usernames(&first), &first["total_size"]),
        (vec!["ada"], &json!(2))
    );
    let token = first["next_page_token"].as_str().unwrap();
    let second = list(&test, &format!("?page_token={token}")).await;
    assert_eq!(
        (usernames(&second), &second["total_size"]),
        (vec!["lovelace"], &json!(2))
    );
    let refused = read(&test, &path(&test, "?filter=status%20eq%20%22active%22")).await;
    assert_eq!(violated(&refused), ["filter"]);
    let zero_byte = read(
        &test,
        &path(&test, "?filter=display_name%20eq%20%22%5Cu0000%22"),
    )
    .await;
    assert_eq!(violated(&zero_byte), ["filter"]);
}
