//! The words, the message around them, and the conversation with a mail server.

mod encrypted;

use keymoor_types::{OutboxId, Seconds, Timestamp};
use lettre::message::Mailbox;

use super::letters::{Addressee, binding_link, passkey_added};
use super::testing::{Behaviour, Sink};
use super::*;
use crate::base::secret::Secret;

const NEW_YEAR: Timestamp = Timestamp::from_seconds(1_767_225_600);

fn id() -> OutboxId {
    "019b7717-7c00-7000-8000-000000000000".parse().unwrap()
}

fn ada() -> Addressee {
    Addressee {
        address: "ada@example.com".to_owned(),
        username: "ada@example.com".to_owned(),
        realm: "Acme & Sons".to_owned(),
    }
}

fn link_mail(to: Addressee) -> Mail {
    let link = Secret::new("http://localhost:8021/v1/tenants/1:invokeAuthenticator?token=secret");
    let expires_at = NEW_YEAR + Seconds::DAY.times(7);
    binding_link(id(), NEW_YEAR, to, &link, expires_at).unwrap()
}

fn sender() -> Mailbox {
    "Keymoor <keymoor@example.com>".parse().unwrap()
}

fn formatted(mail: &Mail) -> String {
    let message = message::build(&sender(), mail).unwrap();
    String::from_utf8(message.formatted()).unwrap()
}

fn headers(mail: &Mail) -> String {
    let message = formatted(mail);
    let (headers, _) = message.split_once("\r\n\r\n").unwrap();
    headers.replace("\r\n", "\n")
}

fn mailer(port: u16, user: &str, timeout: Seconds) -> SmtpMailer {
    let server = format!("smtp://{user}127.0.0.1:{port}").parse().unwrap();
    SmtpMailer::new(MailSettings {
        server,
        from: sender(),
        hello: None,
        timeout,
    })
    .unwrap()
}

async fn send(behaviour: Behaviour) -> (Outcome, usize) {
    let sink = Sink::start(behaviour).await;
    let mailer = mailer(sink.port, "ada:secret@", Seconds::MINUTE);
    let outcome = mailer.send(&link_mail(ada())).await;
    (outcome, sink.accepted().len())
}

#[test]
fn the_mail_with_a_link_reads_like_this() {
    let mail = link_mail(ada());
    insta::assert_snapshot!(mail.text.expose(), @r"
    Create your passkey

    Acme & Sons sent you this link to create a passkey. The passkey lets you sign in as ada@example.com.

    Open the link on the device where you want to create the passkey:

    http://localhost:8021/v1/tenants/1:invokeAuthenticator?token=secret

    The link works once. It expires on 8 January 2026, 00:00 UTC.

    Don't forward this email. Anyone with the link can create the passkey and sign in as you.

    If you didn't expect this email, don't open the link, and contact Acme & Sons.
    ");
    insta::assert_snapshot!(mail.html.expose(), @r#"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light">
    <title>Create your passkey</title>
    </head>
    <body style="margin:0;padding:24px 16px;background:#fbfcfd;color:#0e1b26;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;margin:0 auto">
    <tr><td style="padding:32px;border:1px solid #d5dde3;border-radius:8px;overflow-wrap:anywhere">

    <h1 style="margin:0 0 16px;font-size:24px;line-height:1.25">Create your passkey</h1>
    <p style="margin:0 0 16px"><strong>Acme &#38; Sons</strong> sent you this link to create a passkey. The passkey lets you sign in as <strong>ada<span>@</span>example<span>.</span>com</strong>.</p>
    <p style="margin:0 0 16px">Open the link on the device where you want to create the passkey.</p>
    <p style="margin:0 0 16px"><a href="http://localhost:8021/v1/tenants/1:invokeAuthenticator?token=secret" style="display:inline-block;padding:8px 16px;border-radius:4px;background:#0f5c73;color:#fbfcfd;text-decoration:none">Create passkey</a></p>
    <p style="margin:0 0 16px;font-size:14px;word-break:break-all">http://localhost:8021/v1/tenants/1:invokeAuthenticator?token=secret</p>
    <p style="margin:0 0 16px">The link works once. It expires on <strong>8 January 2026, 00:00 UTC</strong>.</p>
    <p style="margin:0 0 16px">Don't forward this email. Anyone with the link can create the passkey and sign in as you.</p>
    <p style="margin:0">If you didn't expect this email, don't open the link, and contact Acme &#38; Sons.</p>

    </td></tr>
    </table>
    </body>
    </html>
    "#);
    insta::assert_snapshot!(headers(&mail), @r#"
    Message-ID: <019b7717-7c00-7000-8000-000000000000@example.com>
    Date: Thu, 01 Jan 2026 00:00:00 +0000
    From: Keymoor <keymoor@example.com>
    To: ada@example.com
    Subject: Your link to create a passkey
    Auto-Submitted: auto-generated
    MIME-Version: 1.0
    Content-Type: multipart/alternative;
     boundary="019b7717-7c00-7000-8000-000000000000-alternatives"
    "#);
}

#[test]
fn a11_the_notice_of_a_new_passkey_reads_like_this() {
    let mail = passkey_added(id(), NEW_YEAR, ada()).unwrap();
    insta::assert_snapshot!(mail.text.expose(), @r"
    A passkey was added to your account

    On 1 January 2026, 00:00 UTC a new passkey was added to the account ada@example.com at Acme & Sons. It can be used to sign in to your account.

    If you added it, you don't need to do anything.

    If you didn't add it, contact Acme & Sons immediately and ask them to revoke the passkey.
    ");
    insta::assert_snapshot!(mail.html.expose(), @r#"
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light">
    <title>A passkey was added to your account</title>
    </head>
    <body style="margin:0;padding:24px 16px;background:#fbfcfd;color:#0e1b26;font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:480px;margin:0 auto">
    <tr><td style="padding:32px;border:1px solid #d5dde3;border-radius:8px;overflow-wrap:anywhere">

    <h1 style="margin:0 0 16px;font-size:24px;line-height:1.25">A passkey was added to your account</h1>
    <p style="margin:0 0 16px">On 1 January 2026, 00:00 UTC a new passkey was added to the account <strong>ada<span>@</span>example<span>.</span>com</strong> at <strong>Acme &#38; Sons</strong>. It can be used to sign in to your account.</p>
    <p style="margin:0 0 16px">If you added it, you don't need to do anything.</p>
    <p style="margin:0">If you didn't add it, contact Acme &#38; Sons immediately and ask them to revoke the passkey.</p>

    </td></tr>
    </table>
    </body>
    </html>
    "#);
    insta::assert_snapshot!(headers(&mail), @r#"
    Message-ID: <019b7717-7c00-7000-8000-000000000000@example.com>
    Date: Thu, 01 Jan 2026 00:00:00 +0000
    From: Keymoor <keymoor@example.com>
    To: ada@example.com
    Subject: A passkey was added to your account
    Auto-Submitted: auto-generated
    MIME-Version: 1.0
    Content-Type: multipart/alternative;
     boundary="019b7717-7c00-7000-8000-000000000000-alternatives"
    "#);
}

#[test]
fn every_attempt_is_the_same_message() {
    assert_eq!(formatted(&link_mail(ada())), formatted(&link_mail(ada())));
}

#[test]
fn d10_no_name_adds_a_header_a_tag_or_a_link() {
    let nasty = "evil.example\r\nBcc: eve@evil.example\r\n\r\n<a href=x>http://evil.example</a>";
    let mail = link_mail(Addressee {
        username: nasty.to_owned(),
        realm: nasty.to_owned(),
        ..ada()
    });
    assert_eq!(headers(&mail), headers(&link_mail(ada())));
    let html = mail.html.expose();
    assert_eq!(html.matches("<a ").count(), 1);
    assert!(!html.contains("evil.example"), "{html}");
    let recipient = Mail {
        to: "ada@example.com\r\nBcc: eve@evil.example".to_owned(),
        ..link_mail(ada())
    };
    assert!(message::build(&sender(), &recipient).is_err());
}

/// A reader copies the name into a form.
#[test]
fn names_can_be_copied() {
    let mail = link_mail(ada());
    assert!(mail.text.expose().contains(" ada@example.com."));
    let html = mail.html.expose();
    let copied = html.replace("<span>", "").replace("</span>", "");
    assert!(
        copied.contains("<strong>ada@example.com</strong>"),
        "{copied}"
    );
    for body in [html, mail.text.expose()] {
        assert!(!body.contains(['\u{200b}', '\u{2060}']));
    }
}

/// RFC 5890, section 2.3.2.1.
#[test]
fn international_domains_are_sent_as_a_labels() {
    let sent_to = |address: &str| {
        let mail = Mail {
            to: address.to_owned(),
            ..link_mail(ada())
        };
        message::build(&sender(), &mail).unwrap().envelope().to()[0].to_string()
    };
    assert_eq!(sent_to("ada@bücher.example"), "ada@xn--bcher-kva.example");
    assert_eq!(sent_to("名@bücher.example"), "名@bücher.example");
}

#[test]
fn a_mail_shows_no_link_in_its_debug_form() {
    let debug = format!("{:?}", link_mail(ada()));
    assert!(!debug.contains("token"), "{debug}");
}

#[tokio::test]
async fn an_accepted_message_is_what_was_built() {
    let sink = Sink::start(Behaviour::Accepts).await;
    let mail = link_mail(ada());
    let outcome = mailer(sink.port, "", Seconds::MINUTE).send(&mail).await;
    assert_eq!(outcome, Outcome::Accepted);
    let [message] = &sink.accepted()[..] else {
        panic!("one message was sent");
    };
    assert_eq!(
        message.trim_end(),
        formatted(&mail).replace("\r\n", "\n").trim_end()
    );
}

/// Alone on its thread, this test is not interrupted between the answer and what follows it.
#[tokio::test(flavor = "current_thread")]
async fn an_accepted_mail_can_be_recorded_before_the_goodbye() {
    let sink = Sink::start(Behaviour::Accepts).await;
    let mailer = mailer(sink.port, "", Seconds::MINUTE);
    assert_eq!(mailer.send(&link_mail(ada())).await, Outcome::Accepted);
    assert_eq!(sink.goodbyes(), 0);
    while sink.goodbyes() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn nothing_that_a_server_says_is_repeated_but_its_code() {
    for (reply, code) in [
        ("550 5.1.1 token=secret", "550 5.1.1"),
        ("550 token=secret", "550"),
        ("554 5.7.1", "554 5.7.1"),
        ("550 5.1.token=secret", "550"),
        ("550 5.1.1234 token=secret", "550"),
        (
            "550-5.7.1 token=secret\r\n550 5.7.1 token=secret",
            "550 5.7.1",
        ),
        ("451 4.3.0 token=secret", "451 4.3.0"),
        ("250\u{e9} token=secret", "with an invalid reply"),
        ("token=secret", "with an invalid reply"),
    ] {
        let outcome = send(Behaviour::RefusesMessage(reply)).await.0;
        let (Outcome::Refused(reason) | Outcome::Failed(reason)) = outcome else {
            panic!("{reply}: {outcome:?}");
        };
        assert_eq!(
            reason,
            format!("the mail server answered {code}"),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn permanent_replies_refuse_and_transient_ones_fail() {
    let (outcome, accepted) = send(Behaviour::RefusesRecipient("550 5.1.1 no such mailbox")).await;
    assert_eq!(
        outcome,
        Outcome::Refused("the mail server answered 550 5.1.1".to_owned())
    );
    assert_eq!(accepted, 0);
    for (behaviour, refused) in [
        (Behaviour::RefusesRecipient("450 4.2.0 greylisted"), false),
        (
            Behaviour::RefusesMessage("451 4.3.0 try again later"),
            false,
        ),
        (Behaviour::RefusesMessage("554 5.7.1 looks like spam"), true),
        (Behaviour::RefusesLogin("535 5.7.8 wrong password"), false),
        (Behaviour::RefusesHello("550 5.7.1 who are you"), false),
        (Behaviour::RefusesSender("553 5.1.8 not your domain"), false),
        (Behaviour::RefusesSender("552 5.3.4 too large"), true),
        (Behaviour::RefusesSender("555 5.5.4 what is BODY"), true),
        (Behaviour::Greets("554 5.3.2 no service"), false),
    ] {
        let (outcome, accepted) = send(behaviour).await;
        assert_eq!(
            matches!(outcome, Outcome::Refused(_)),
            refused,
            "{behaviour:?}: {outcome:?}"
        );
        assert_ne!(outcome, Outcome::Accepted, "{behaviour:?}");
        assert_eq!(accepted, 0, "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_server_that_dies_stalls_or_is_not_there_fails() {
    let (outcome, _) = send(Behaviour::DiesInData).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");

    let sink = Sink::start(Behaviour::StallsAfterData).await;
    let impatient = mailer(sink.port, "", Seconds(1));
    let outcome = impatient.send(&link_mail(ada())).await;
    assert_eq!(
        outcome,
        Outcome::Failed("the mail server took too long".to_owned())
    );

    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let nobody = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = mailer(nobody, "", Seconds(5)).send(&link_mail(ada())).await;
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
}

#[tokio::test]
async fn tls_that_does_not_work_is_done_without_unless_it_is_required() {
    assert_eq!(send(Behaviour::PretendsTls).await, (Outcome::Accepted, 1));
    for behaviour in [Behaviour::PretendsTls, Behaviour::Accepts] {
        let sink = Sink::start(behaviour).await;
        let server = format!("smtp://127.0.0.1:{}?tls=required", sink.port);
        let mailer = SmtpMailer::new(MailSettings {
            server: server.parse().unwrap(),
            from: sender(),
            hello: None,
            timeout: Seconds(5),
        });
        let outcome = mailer.unwrap().send(&link_mail(ada())).await;
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        assert!(sink.accepted().is_empty());
    }
}

/// RFC 5321, section 4.1.1.1.
#[tokio::test]
async fn ehlo_names_this_server() {
    let default = smtp::host_name().unwrap_or_else(|| "[127.0.0.1]".to_owned());
    for (hello, expected) in [
        (Some("auth.example.com"), "auth.example.com"),
        (Some("[192.0.2.1]"), "[192.0.2.1]"),
        (None, default.as_str()),
    ] {
        let sink = Sink::start(Behaviour::Accepts).await;
        let settings = MailSettings {
            server: format!("smtp://127.0.0.1:{}", sink.port).parse().unwrap(),
            from: sender(),
            hello: hello.map(str::to_owned),
            timeout: Seconds::MINUTE,
        };
        let mailer = SmtpMailer::new(settings).unwrap();
        assert_eq!(mailer.send(&link_mail(ada())).await, Outcome::Accepted);
        assert_eq!(sink.hello(), format!("EHLO {expected}"));
    }
}

/// RFC 5321, section 2.4.
#[tokio::test]
async fn keywords_in_lower_case_are_understood() {
    assert_eq!(
        send(Behaviour::SpeaksLowerCase).await,
        (Outcome::Accepted, 1)
    );
}

#[tokio::test]
async fn an_international_mailbox_waits_for_a_server_that_supports_it() {
    let to = Addressee {
        address: "名@例え.jp".to_owned(),
        ..ada()
    };
    let sink = Sink::start(Behaviour::Accepts).await;
    let outcome = mailer(sink.port, "", Seconds::MINUTE)
        .send(&link_mail(to))
        .await;
    let Outcome::Failed(reason) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(reason.contains("SMTPUTF8"), "{reason}");
}

#[tokio::test]
async fn without_a_mail_server_mail_waits_for_one() {
    let outcome = NoMailer.send(&link_mail(ada())).await;
    assert_eq!(
        outcome,
        Outcome::Failed("no mail server is configured".to_owned())
    );
}
