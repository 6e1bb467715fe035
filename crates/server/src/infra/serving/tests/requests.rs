//! Requests that the connection judges before the router.

use axum::http::{Request, StatusCode, Version};

use super::*;

async fn status(server: &Running, head: &str) -> String {
    let mut client = server.connect().await;
    client.send(head).await;
    let answer = client.answer().await;
    answer.lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn http_1_1_without_one_valid_host_is_a_bad_request_rfc_9112_section_3_2() {
    let server = Running::start(settings(10)).await;
    let bad = "HTTP/1.1 400 Bad Request";
    for hosts in [
        "",
        "host: a\r\nhost: a\r\n",
        "host: a\r\nHost: b\r\n",
        "host: \r\n",
        "host: a b\r\n",
        "host: user@a\r\n",
        "host: http://a\r\n",
        "host: a:port\r\n",
    ] {
        let head = format!("GET / HTTP/1.1\r\n{hosts}\r\n");
        assert_eq!(status(&server, &head).await, bad, "{hosts:?}");
    }
    let absolute = "GET http://a.example/ HTTP/1.1\r\n\r\n";
    assert_eq!(status(&server, absolute).await, bad);
    for head in [
        "GET / HTTP/1.1\r\nhost: a.example:8021\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nhost: a.example\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let line = status(&server, head).await;
        assert!(line.ends_with(" 200 OK"), "{head:?}: {line}");
    }
}

#[tokio::test]
async fn http_2_needs_an_authority_only_rfc_9113_section_8_3_1() {
    let server = Running::start(settings(10)).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http2::handshake::<_, _, Body>(
        TokioExecutor::new(),
        TokioIo::new(stream),
    )
    .await
    .unwrap();
    tokio::spawn(connection);
    for (host, expected) in [
        (None, StatusCode::OK),
        (Some("localhost"), StatusCode::OK),
        (Some("other"), StatusCode::BAD_REQUEST),
    ] {
        let request = Request::get("http://localhost/").version(Version::HTTP_2);
        let request = match host {
            Some(host) => request.header("host", host),
            None => request,
        };
        let answer = client.send_request(request.body(Body::empty()).unwrap());
        assert_eq!(answer.await.unwrap().status(), expected, "{host:?}");
    }
}

#[tokio::test]
async fn d13_a_request_whose_body_nobody_reads_is_answered() {
    let server = Running::start(settings(10)).await;
    let mut client = server.connect().await;
    client
        .send("GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\nhalf a body")
        .await;
    assert!(client.answer().await.ends_with("\r\n\r\nok"));
    client.is_closed().await;
}
