//! Connections over real sockets, with limits short enough to wait for.

mod requests;
mod tls;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::tls::Tls;
use super::*;

/// Long enough for anything that is to happen, on any machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// A limit that is to be overstepped.
const SHORT: Duration = Duration::from_millis(200);
/// A limit that is to be overstepped by one and kept by another, on any machine.
const BRIEF: Duration = Duration::from_secs(2);

fn settings(connections: u32) -> ServingSettings {
    ServingSettings {
        connections: NonZeroU32::new(connections).unwrap(),
        head: PATIENCE * 3,
        idle: PATIENCE * 3,
    }
}

struct Running {
    address: SocketAddr,
    /// Requests for `/slow` are answered when this has a permit for each.
    gate: Arc<Semaphore>,
    /// Has a permit for each request for `/slow` that has begun.
    begun: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Running {
    async fn start(settings: ServingSettings) -> Self {
        Self::start_with(settings, None).await
    }

    async fn start_with(settings: ServingSettings, tls: Option<Tls>) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let begun = Arc::new(Semaphore::new(0));
        let listener = Listener::bind(
            "127.0.0.1:0".parse().unwrap(),
            settings,
            tls,
            Traffic::default(),
        )
        .await
        .unwrap();
        let address = listener.address().unwrap();
        let service = service(Arc::clone(&gate), Arc::clone(&begun));
        let (stop, told) = oneshot::channel();
        let told = async {
            let _told = told.await;
        };
        let served = tokio::spawn(listener.serve(service, told));
        Self {
            address,
            gate,
            begun,
            stop,
            served,
        }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn connect_from(&self, ip: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::new(ip.parse().unwrap(), 0))
            .unwrap();
        Client(socket.connect(self.address).await.unwrap())
    }

    /// A connection on which one request was answered and none follows.
    async fn connect_and_idle(&self) -> Client {
        let mut client = self.connect().await;
        assert_eq!(client.get("/").await, "ok");
        client
    }

    async fn connect_and_idle_from(&self, ip: &str) -> Client {
        let mut client = self.connect_from(ip).await;
        assert_eq!(client.get("/").await, "ok");
        client
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.served)
            .await
            .expect("the listener ends")
            .unwrap();
    }

    async fn slow_requests_begun(&self, count: u32) {
        let permits = timeout(PATIENCE, self.begun.acquire_many(count)).await;
        permits.expect("the requests begin").unwrap().forget();
    }
}

fn service(gate: Arc<Semaphore>, begun: Arc<Semaphore>) -> Service {
    let slow = async move || {
        begun.add_permits(1);
        gate.acquire().await.unwrap().forget();
        "slow"
    };
    let peer = async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string();
    let router = Router::new()
        .route("/", get(async || "ok"))
        .route("/peer", get(peer))
        .route("/echo", post(async |body: String| body))
        .route("/slow", get(slow));
    plain(router)
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
            .await;
    }

    /// The body of the answer to a request, on a connection that stays open.
    async fn get(&mut self, path: &str) -> String {
        self.ask(path).await;
        let answer = self.answer().await;
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// One answer, head and body.
    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        loop {
            let mut chunk = [0; 1024];
            let read = timeout(PATIENCE, self.0.read(&mut chunk)).await;
            let length = read.expect("an answer comes").unwrap();
            answer.extend_from_slice(&chunk[..length]);
            let text = String::from_utf8(answer.clone()).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let expected = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().unwrap());
                if body.len() == expected {
                    return text;
                }
            }
            assert!(length > 0, "the connection ended after {text:?}");
        }
    }

    /// Asserts that the server ends the connection and says nothing more.
    async fn is_closed(&mut self) {
        let mut rest = Vec::new();
        let end = timeout(PATIENCE, self.0.read_to_end(&mut rest)).await;
        // A reset is an end too.
        let _reset = end.expect("the connection ends");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Writes `bytes` one by one, and then no more, until the server ends it.
    async fn is_cut_off_while_trickling(&mut self, bytes: &[u8]) {
        let (mut read, mut write) = self.0.split();
        let trickle = async {
            for &byte in bytes {
                if write.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(SHORT / 20).await;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = Vec::new();
        let both = async {
            tokio::select! {
                () = trickle => {}
                _ended = read.read_to_end(&mut answer) => {}
            }
        };
        timeout(PATIENCE, both).await.expect("it is cut off");
        assert_eq!(String::from_utf8_lossy(&answer), "");
    }
}

#[tokio::test]
async fn one_connection_answers_many_requests_and_knows_its_client() {
    let server = Running::start(settings(10)).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        assert_eq!(client.get("/").await, "ok");
    }
    let own = client.0.local_addr().unwrap().to_string();
    assert_eq!(client.get("/peer").await, own);
    client
        .send("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nbody")
        .await;
    assert!(client.answer().await.ends_with("\r\n\r\nbody"));
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off_in_either_version() {
    let server = Running::start(ServingSettings {
        head: BRIEF,
        ..settings(10)
    })
    .await;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}",
        "y".repeat(100)
    );
    let head = head.as_bytes();
    let mut first = server.connect().await;
    first.is_cut_off_while_trickling(head).await;
    let mut later = server.connect_and_idle().await;
    later.is_cut_off_while_trickling(head).await;
    let mut http2 = server.connect().await;
    http2
        .is_cut_off_while_trickling(b"PRI * HTTP/2.0\r\n\r\nSM")
        .await;
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_ended() {
    let server = Running::start(ServingSettings {
        head: SHORT,
        ..settings(10)
    })
    .await;
    server.connect().await.is_closed().await;
    server.stop().await;
}

#[tokio::test]
async fn an_unused_connection_is_ended_and_a_working_one_is_not() {
    let server = Running::start(ServingSettings {
        head: BRIEF,
        idle: BRIEF,
        ..settings(10)
    })
    .await;
    let mut working = server.connect().await;
    working.ask("/slow").await;
    server.slow_requests_begun(1).await;
    server.connect_and_idle().await.is_closed().await;
    server.gate.add_permits(1);
    assert!(working.answer().await.ends_with("\r\n\r\nslow"));
    working.is_closed().await;
    server.stop().await;
}

#[tokio::test]
async fn a_full_house_makes_room_at_the_expense_of_the_longest_idle() {
    let server = Running::start(settings(3)).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect_and_idle().await;
    let mut third = server.connect_and_idle().await;
    let mut fourth = server.connect_and_idle().await;
    silent.is_closed().await;
    let mut fifth = server.connect_and_idle().await;
    idle.is_closed().await;
    for open in [&mut third, &mut fourth, &mut fifth] {
        assert_eq!(open.get("/").await, "ok");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_network_with_the_most_connections_gives_one_up() {
    let server = Running::start(settings(3)).await;
    let mut modest = server.connect_and_idle_from("127.0.0.2").await;
    let mut greedy = server.connect_and_idle_from("127.0.0.3").await;
    let mut as_well = server.connect_and_idle_from("127.0.0.3").await;
    let mut newcomer = server.connect_and_idle_from("127.0.0.4").await;
    greedy.is_closed().await;
    for open in [&mut modest, &mut as_well, &mut newcomer] {
        assert_eq!(open.get("/").await, "ok");
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_trickle_take_no_seat_from_others() {
    let server = Running::start(settings(2)).await;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut client = server.connect().await;
        client
            .send("POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\nb")
            .await;
        slow.push(client);
    }
    let mut prompt = server.connect_and_idle().await;
    slow[0].is_closed().await;
    assert_eq!(prompt.get("/").await, "ok");
    drop(slow);
    server.stop().await;
}

#[tokio::test]
async fn who_finds_every_connection_at_work_waits_for_the_first_to_end() {
    let server = Running::start(settings(2)).await;
    let (mut one, mut two) = (server.connect().await, server.connect().await);
    one.ask("/slow").await;
    two.ask("/slow").await;
    server.slow_requests_begun(2).await;
    let mut third = server.connect().await;
    third.ask("/").await;
    // Nothing tells the third's place in the queue but that it is served in the end.
    server.gate.add_permits(2);
    assert!(one.answer().await.ends_with("slow") && two.answer().await.ends_with("slow"));
    // Neither of the two leaves by itself.
    assert!(third.answer().await.ends_with("ok"));
    drop((one, two, third));
    server.stop().await;
}

#[tokio::test]
async fn a_stopping_server_finishes_requests_and_says_goodbye_to_the_rest() {
    let server = Running::start(settings(10)).await;
    let mut working = server.connect().await;
    working.ask("/slow").await;
    server.slow_requests_begun(1).await;
    let mut idle = server.connect_and_idle().await;
    let mut silent = server.connect().await;
    let mut begun = server.connect().await;
    begun.send("GET / HT").await;
    let address = server.address;
    let gate = Arc::clone(&server.gate);
    let stopped = tokio::spawn(server.stop());
    for waiting in [&mut idle, &mut silent, &mut begun] {
        waiting.is_closed().await;
    }
    assert!(TcpStream::connect(address).await.is_err());
    gate.add_permits(1);
    let answer = working.answer().await;
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nslow"), "{answer}");
    working.is_closed().await;
    stopped.await.unwrap();
}

#[tokio::test]
async fn http2_is_served_on_the_same_port_and_ended_politely() {
    let server = Running::start(settings(10)).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let address = server.address;
    let (mut client, connection) = hyper::client::conn::http2::handshake::<_, _, Body>(
        TokioExecutor::new(),
        TokioIo::new(stream),
    )
    .await
    .unwrap();
    let connection = tokio::spawn(connection);
    let request = |path: &str| {
        hyper::Request::get(format!("http://localhost{path}"))
            .body(Body::empty())
            .unwrap()
    };
    let both = [
        client.send_request(request("/")),
        client.send_request(request("/slow")),
    ];
    let [quick, slow] = both;
    let body = async |answer: hyper::Response<hyper::body::Incoming>| {
        answer.into_body().collect().await.unwrap().to_bytes()
    };
    assert_eq!(body(quick.await.unwrap()).await, "ok");
    server.slow_requests_begun(1).await;
    let gate = Arc::clone(&server.gate);
    let stopped = tokio::spawn(server.stop());
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("it is stopping");
    gate.add_permits(1);
    assert_eq!(body(slow.await.unwrap()).await, "slow");
    connection.await.unwrap().unwrap();
    stopped.await.unwrap();
}

/// Clients that have asked for something, and leave HTTP/2 no room to answer in.
struct NeverReading {
    connection: JoinHandle<hyper::Result<()>>,
    /// Held, for a client that lets go of its requests ends the connection itself.
    _client: hyper::client::conn::http2::SendRequest<Body>,
    _answer: hyper::Response<hyper::body::Incoming>,
}

impl NeverReading {
    async fn start(server: &Running) -> Self {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let (mut client, connection) =
            hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(0)
                .handshake::<_, Body>(TokioIo::new(stream))
                .await
                .unwrap();
        let connection = tokio::spawn(connection);
        let request = hyper::Request::get("http://localhost/").body(Body::empty());
        let answer = timeout(PATIENCE, client.send_request(request.unwrap())).await;
        Self {
            connection,
            _client: client,
            _answer: answer.expect("heads need no room").unwrap(),
        }
    }

    async fn ended(mut self) {
        let end = timeout(PATIENCE, &mut self.connection).await;
        let _either_way = end.expect("the connection ends").unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_waited_for_as_long_as_an_unused_connection() {
    let server = Running::start(ServingSettings {
        idle: SHORT,
        ..settings(10)
    })
    .await;
    NeverReading::start(&server).await.ended().await;
    server.stop().await;
}

#[tokio::test]
async fn answers_that_nobody_reads_take_no_seat_from_others() {
    let server = Running::start(settings(2)).await;
    let first = NeverReading::start(&server).await;
    let second = NeverReading::start(&server).await;
    let mut prompt = server.connect_and_idle().await;
    first.ended().await;
    assert_eq!(prompt.get("/").await, "ok");
    drop((second, prompt));
    server.stop().await;
}

#[tokio::test]
async fn heads_have_a_limit() {
    let server = Running::start(settings(10)).await;
    for (head, what) in [
        ("x: y\r\n".repeat(101), "too many headers"),
        (format!("x: {}\r\n", "y".repeat(40_000)), "too long a head"),
    ] {
        let mut client = server.connect().await;
        client
            .send(&format!("GET / HTTP/1.1\r\nhost: localhost\r\n{head}\r\n"))
            .await;
        let answer = client.answer().await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{what}: {answer}");
    }
    server.stop().await;
}
