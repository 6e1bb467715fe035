//! A mailbox in place of a mail server, and a mail server in the test's own process.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::{Mail, Mailer, Outcome};

/// Accepts every mail, unless told what becomes of the next ones.
#[derive(Default)]
pub(crate) struct RecordingMailer {
    attempts: Mutex<Vec<Mail>>,
    next: Mutex<VecDeque<Outcome>>,
    is_removed: AtomicBool,
}

impl RecordingMailer {
    /// Every attempt so far, accepted or not; forgets them.
    pub(crate) fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.attempts.lock().unwrap())
    }

    /// From now on no mail server is configured.
    pub(crate) fn remove(&self) {
        self.is_removed.store(true, Ordering::Relaxed);
    }

    /// The next `times` attempts fail, and may succeed later.
    pub(crate) fn fail_next(&self, times: usize) {
        let outcome = Outcome::Failed("451 try again later".to_owned());
        self.next
            .lock()
            .unwrap()
            .extend(std::iter::repeat_n(outcome, times));
    }

    /// The next attempt is refused for good.
    pub(crate) fn refuse_next(&self) {
        let outcome = Outcome::Refused("550 no such mailbox".to_owned());
        self.next.lock().unwrap().push_back(outcome);
    }
}

impl Mailer for RecordingMailer {
    fn is_configured(&self) -> bool {
        !self.is_removed.load(Ordering::Relaxed)
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Outcome> {
        self.attempts.lock().unwrap().push(mail.clone());
        let next = self.next.lock().unwrap().pop_front();
        Box::pin(std::future::ready(next.unwrap_or(Outcome::Accepted)))
    }
}

/// How a mail server behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    Accepts,
    /// Answers RCPT with this reply.
    RefusesRecipient(&'static str),
    /// Answers the end of DATA with this reply.
    RefusesMessage(&'static str),
    /// Greets with this line.
    Greets(&'static str),
    /// Answers EHLO with this reply.
    RefusesHello(&'static str),
    /// Answers MAIL with this reply.
    RefusesSender(&'static str),
    /// Spells keywords in lower case.
    SpeaksLowerCase,
    /// Answers AUTH with this reply.
    RefusesLogin(&'static str),
    /// Answers the end of DATA when [`Sink::accept`] says so.
    AcceptsWhenTold,
    /// Closes the connection after the first line of the message.
    DiesInData,
    /// Never answers the end of DATA.
    StallsAfterData,
    /// Accepts, and offers TLS that it does not have.
    PretendsTls,
}

/// What a mail server was told so far.
#[derive(Default)]
struct Heard {
    accepted: Mutex<Vec<String>>,
    hello: Mutex<String>,
    goodbyes: AtomicUsize,
    message_has_come: Notify,
    may_accept: Notify,
}

/// A mail server on a port of loopback, for as long as it is held.
pub(crate) struct Sink {
    pub(crate) port: u16,
    heard: Arc<Heard>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sink {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Heard>::default();
        let hearing = heard.clone();
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(converse(stream, behaviour, hearing.clone()));
            }
        });
        Self {
            port,
            heard,
            server,
        }
    }

    /// The messages that were accepted.
    pub(crate) fn accepted(&self) -> Vec<String> {
        self.heard.accepted.lock().unwrap().clone()
    }

    /// The last EHLO command.
    pub(super) fn hello(&self) -> String {
        self.heard.hello.lock().unwrap().clone()
    }

    /// Waits for a message that [`Behaviour::AcceptsWhenTold`] keeps waiting.
    pub(crate) async fn message_has_come(&self) {
        self.heard.message_has_come.notified().await;
    }

    pub(crate) fn accept(&self) {
        self.heard.may_accept.notify_one();
    }

    /// How often QUIT was said.
    pub(super) fn goodbyes(&self) -> usize {
        self.heard.goodbyes.load(Ordering::Relaxed)
    }
}

/// Longer than any test takes.
const FOR_EVER: Duration = Duration::from_hours(1);

async fn converse(stream: TcpStream, behaviour: Behaviour, heard: Arc<Heard>) {
    let mut stream = BufReader::new(stream);
    let greeting = match behaviour {
        Behaviour::Greets(line) => line,
        _ => "220 sink",
    };
    say(&mut stream, greeting).await;
    while let Some(line) = hear(&mut stream).await {
        let reply = match line.split_whitespace().next() {
            Some("EHLO") => {
                heard.hello.lock().unwrap().clone_from(&line);
                capabilities(behaviour)
            }
            Some("MAIL") => match behaviour {
                Behaviour::RefusesSender(reply) => reply,
                _ => "250 ok",
            },
            Some("STARTTLS") => "220 go on",
            Some("AUTH") => match behaviour {
                Behaviour::RefusesLogin(reply) => reply,
                _ => "235 welcome",
            },
            Some("RCPT") => match behaviour {
                Behaviour::RefusesRecipient(reply) => reply,
                _ => "250 ok",
            },
            Some("DATA") => {
                say(&mut stream, "354 go on").await;
                let Some(message) = message(&mut stream, behaviour).await else {
                    return;
                };
                if matches!(behaviour, Behaviour::AcceptsWhenTold) {
                    heard.message_has_come.notify_one();
                    heard.may_accept.notified().await;
                }
                match behaviour {
                    Behaviour::RefusesMessage(reply) => reply,
                    Behaviour::StallsAfterData => return tokio::time::sleep(FOR_EVER).await,
                    _ => {
                        heard.accepted.lock().unwrap().push(message);
                        "250 queued"
                    }
                }
            }
            Some("QUIT") => {
                heard.goodbyes.fetch_add(1, Ordering::Relaxed);
                "221 bye"
            }
            _ => "250 ok",
        };
        say(&mut stream, reply).await;
    }
}

fn capabilities(behaviour: Behaviour) -> &'static str {
    match behaviour {
        Behaviour::PretendsTls => "250-sink\r\n250-AUTH PLAIN\r\n250 STARTTLS",
        Behaviour::RefusesHello(reply) => reply,
        Behaviour::SpeaksLowerCase => "250-sink\r\n250-8bitmime\r\n250 auth plain",
        _ => "250-sink\r\n250 AUTH PLAIN",
    }
}

/// Everything up to the line with a single dot.
async fn message(stream: &mut BufReader<TcpStream>, behaviour: Behaviour) -> Option<String> {
    let mut message = String::new();
    loop {
        let line = hear(stream).await?;
        if matches!(behaviour, Behaviour::DiesInData) {
            return None;
        }
        if line == "." {
            return Some(message);
        }
        message += &line;
        message += "\n";
    }
}

async fn hear(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, reply: &str) {
    let line = format!("{reply}\r\n");
    // The other side may have hung up.
    let _sent = stream.write_all(line.as_bytes()).await;
}
