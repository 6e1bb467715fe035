//! An HTTP/1.1 client that does as little as it can, so that the generator is never what is
//! measured: one connection kept alive, one request at a time, one buffer each way.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail, ensure};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A server of this machine, and the name that it goes by.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    authority: String,
}

impl Server {
    /// The server of a base URL such as `http://localhost:8021`.
    pub(crate) fn at(url: &str) -> Result<Self> {
        let authority = url
            .strip_prefix("http://")
            .with_context(|| format!("{url} is not plain HTTP"))?;
        let (_, port) = authority.rsplit_once(':').context("a URL without a port")?;
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port.parse()?).into(),
            authority: authority.to_owned(),
        })
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(self.address)
            .await
            .with_context(|| format!("cannot connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        Ok(Connection {
            stream,
            authority: self.authority.clone(),
            sent: Vec::with_capacity(8_192),
            received: Vec::with_capacity(16_384),
        })
    }
}

/// What is sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Request<'a> {
    /// Path and query.
    pub(crate) target: &'a str,
    pub(crate) authorization: Option<&'a str>,
    pub(crate) accept: Option<&'static str>,
    /// Requests with a body are POSTs.
    pub(crate) body: Option<Body<'a>>,
}

#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) content_type: &'static str,
    pub(crate) text: &'a str,
}

impl<'a> Body<'a> {
    pub(crate) fn json(text: &'a str) -> Self {
        Self {
            content_type: "application/json",
            text,
        }
    }

    pub(crate) fn form(text: &'a str) -> Self {
        Self {
            content_type: "application/x-www-form-urlencoded",
            text,
        }
    }
}

impl<'a> Request<'a> {
    pub(crate) fn get(target: &'a str) -> Self {
        Self {
            target,
            ..Self::default()
        }
    }

    pub(crate) fn post(target: &'a str, body: Body<'a>) -> Self {
        Self {
            target,
            body: Some(body),
            ..Self::default()
        }
    }

    pub(crate) fn authorized(self, authorization: &'a str) -> Self {
        Self {
            authorization: Some(authorization),
            ..self
        }
    }

    fn write(&self, authority: &str, to: &mut Vec<u8>) {
        let mut line = |parts: [&str; 3]| {
            for part in parts {
                to.extend_from_slice(part.as_bytes());
            }
            to.extend_from_slice(b"\r\n");
        };
        let method = if self.body.is_some() { "POST " } else { "GET " };
        line([method, self.target, " HTTP/1.1"]);
        line(["host: ", authority, ""]);
        if let Some(accept) = self.accept {
            line(["accept: ", accept, ""]);
        }
        if let Some(authorization) = self.authorization {
            line(["authorization: ", authorization, ""]);
        }
        let Body { content_type, text } = self.body.unwrap_or(Body {
            content_type: "",
            text: "",
        });
        if self.body.is_some() {
            line(["content-type: ", content_type, ""]);
            line(["content-length: ", &text.len().to_string(), ""]);
        }
        line(["", "", ""]);
        to.extend_from_slice(text.as_bytes());
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    authority: String,
    sent: Vec<u8>,
    received: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer<'a> {
    status: u16,
    head: &'a str,
    body: &'a [u8],
}

impl Connection {
    pub(crate) async fn send(&mut self, request: Request<'_>) -> Result<Answer<'_>> {
        self.sent.clear();
        request.write(&self.authority, &mut self.sent);
        self.stream.write_all(&self.sent).await?;
        self.received.clear();
        let head = loop {
            let seen = self.received.len();
            self.read_more().await?;
            // The end may have been cut in two.
            let from = seen.saturating_sub(3);
            if let Some(end) = self.received[from..]
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break from + end + 4;
            }
        };
        let length: usize = header(
            std::str::from_utf8(&self.received[..head])?,
            "content-length",
        )
        .context("an answer without content-length")?
        .parse()?;
        while self.received.len() < head + length {
            self.read_more().await?;
        }
        ensure!(
            self.received.len() == head + length,
            "more came back than an answer"
        );
        let (head, body) = self.received.split_at(head);
        let head = std::str::from_utf8(head)?;
        let status = head
            .get(9..12)
            .context("a status line cut short")?
            .parse()?;
        Ok(Answer { status, head, body })
    }

    async fn read_more(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.received).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}

impl Answer<'_> {
    /// The body of a 200.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.expect(200)?;
        serde_json::from_slice(self.body)
            .with_context(|| format!("an unexpected answer: {}", self.text()))
    }

    /// Where a 302 leads to.
    pub(crate) fn location(&self) -> Result<&str> {
        self.expect(302)?;
        header(self.head, "location").context("a redirect to nowhere")
    }

    pub(crate) fn expect(&self, status: u16) -> Result<()> {
        if self.status != status {
            bail!("{} instead of {status}: {}", self.status, self.text());
        }
        Ok(())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_headers_that_it_needs_and_no_others() {
        let written = |request: Request<'_>| {
            let mut bytes = Vec::new();
            request.write("localhost:1", &mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(
            written(Request::get("/a?b=c")),
            "GET /a?b=c HTTP/1.1\r\nhost: localhost:1\r\n\r\n"
        );
        assert_eq!(
            written(Request::post("/a", Body::form("b=c")).authorized("Bearer x")),
            "POST /a HTTP/1.1\r\nhost: localhost:1\r\nauthorization: Bearer x\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\nb=c"
        );
    }

    #[test]
    fn headers_are_found_whatever_their_case() {
        let head =
            "HTTP/1.1 302 Found\r\nLocation: https://a.example/\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(header(head, "location"), Some("https://a.example/"));
        assert_eq!(header(head, "content-length"), Some("0"));
        assert_eq!(header(head, "vary"), None);
    }
}
