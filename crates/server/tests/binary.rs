//! The `keymoor` binary as an operator meets it: exit statuses, streams, signals.

#![expect(
    clippy::unwrap_used,
    reason = "clippy takes the helpers of an integration test for production code"
)]

use std::fs::{Permissions, set_permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a database, and the command that works on it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn keymoor(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keymoor"));
        let database = format!("sqlite://{}", self.path("keymoor.db"));
        command
            .args(arguments)
            .env_clear()
            .env("KEYMOOR_DATABASE_URL", database)
            .env("KEYMOOR_LISTEN", "127.0.0.1:0,127.0.0.1:0")
            .env("KEYMOOR_LOG_FORMAT", "json");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.keymoor(arguments).output().unwrap()
    }

    fn init(&self) -> Value {
        let output = self.run(&["init", "--json"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A serving process, killed when the test ends before it does.
struct Server {
    child: Child,
    /// Its log, from behind the line that says where it listens.
    log: BufReader<ChildStderr>,
    addresses: Vec<SocketAddr>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Server {
    fn start(place: &Place) -> Self {
        Self::spawn(place.keymoor(&["serve"]))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("\"listening\"") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let entry: Value = serde_json::from_str(&line).unwrap();
        let addresses = entry["addresses"].as_str().unwrap();
        let addresses = addresses.trim_matches(['[', ']']).split(", ");
        Self {
            child,
            log,
            addresses: addresses.map(|text| text.parse().unwrap()).collect(),
        }
    }

    fn get(&self, listener: usize, path: &str) -> String {
        let mut stream = TcpStream::connect(self.addresses[listener]).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Tells it to stop; its exit status, and the rest of its log.
    fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn it_serves_until_it_is_told_to_stop_and_then_leaves_in_order() {
    let place = Place::new();
    let init = place.init();
    let link = init["admin_binding_link"].as_str().unwrap();
    let path = link.strip_prefix("http://localhost:8021").unwrap();
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start(&place);
        assert!(server.get(0, "/readyz").ends_with("\r\n\r\nready"));
        assert!(server.get(1, "/readyz").ends_with("\r\n\r\nready"));
        assert!(server.get(0, path).starts_with("HTTP/1.1 302 Found"));
        // A connection that never asks for anything holds nobody up.
        let _idle = TcpStream::connect(server.addresses[0]).unwrap();
        let (status, log) = server.stop(signal);
        assert_eq!(status, Some(0), "{log}");
        assert!(log.contains("\"stopped\""), "{log}");
        assert!(!log.contains("cut off"), "{log}");
        assert!(!log.contains("token"), "{log}");
    }
    assert!(!Path::new(&place.path("keymoor.db-wal")).exists());
}

#[test]
fn a_killed_server_leaves_a_database_that_serves_again() {
    let place = Place::new();
    let init = place.init();
    drop(Server::start(&place));
    let server = Server::start(&place);
    assert!(server.get(0, "/readyz").ends_with("\r\n\r\nready"));
    assert_eq!(place.init()["tenant_id"], init["tenant_id"]);
}

#[test]
fn e5_a_second_server_says_that_the_first_is_there() {
    let place = Place::new();
    place.init();
    let _first = Server::start(&place);
    let second = place.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let said = said(&second);
    assert!(said.contains("another keymoor process"), "{said}");
}

#[test]
fn it_says_that_it_listens_only_when_every_address_does() {
    let place = Place::new();
    place.init();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("127.0.0.1:0,{}", taken.local_addr().unwrap());
    let mut command = place.keymoor(&["serve"]);
    let output = command.env("KEYMOOR_LISTEN", listen).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("can't listen on"), "{said}");
    assert!(!said.contains("\"listening\""), "{said}");
}

#[test]
fn public_urls_that_expose_what_travels_are_warned_of_at_the_start() {
    let place = Place::new();
    place.init();
    // It ends by itself after the warnings.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("127.0.0.1:0,{}", taken.local_addr().unwrap());
    let warnings = |url: &str| {
        let mut command = place.keymoor(&["serve"]);
        let command = command.env("KEYMOOR_LISTEN", &listen);
        let output = command.env("KEYMOOR_AUTH_URL", url).output().unwrap();
        said(&output).matches("KEYMOOR_AUTH_URL=").count()
    };
    assert_eq!(warnings("http://auth.example"), 1);
    assert_eq!(warnings("https://auth.example"), 0);
    assert_eq!(warnings("http://localhost:8021"), 0);
}

#[test]
fn files_that_others_can_read_are_warned_of_at_the_start_and_do_not_stop_it() {
    let place = Place::new();
    place.init();
    // It ends by itself after the warnings.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("127.0.0.1:0,{}", taken.local_addr().unwrap());
    let warned = || {
        let mut command = place.keymoor(&["serve"]);
        let said = said(&command.env("KEYMOOR_LISTEN", &listen).output().unwrap());
        assert!(said.contains("can't listen on"), "{said}");
        let warnings = said.lines().filter(|line| line.contains("\"WARN\""));
        let exposed = warnings.filter(|line| line.contains("other accounts have permissions on"));
        exposed.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(warned(), Vec::<String>::new());
    for name in ["keymoor.key", "keymoor.db"] {
        // As Kubernetes mounts secrets.
        set_permissions(place.path(name), Permissions::from_mode(0o644)).unwrap();
    }
    let warned = warned();
    for name in ["keymoor.key -> chmod 600", "keymoor.db -> chmod 600"] {
        assert!(warned.iter().any(|line| line.contains(name)), "{warned:?}");
    }
}

#[test]
fn every_file_is_its_owners_alone_whatever_the_umask() {
    let place = Place::new();
    let unmasked = |arguments: &[&str]| {
        let command = place.keymoor(arguments);
        let mut shell = Command::new("/bin/sh");
        shell.args([
            "-c",
            "umask 000; exec \"$0\" \"$@\"",
            command.get_program().to_str().unwrap(),
        ]);
        shell.args(arguments).env_clear();
        shell.envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        shell
    };
    assert!(unmasked(&["init"]).output().unwrap().status.success());
    let _server = Server::spawn(unmasked(&["serve", "--tls-self-signed"]));
    let backup = place.path("backup.db");
    assert!(
        unmasked(&["backup", &backup])
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut found = Vec::new();
    for file in place.folder.path().read_dir().unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        let name = file.file_name().into_string().unwrap();
        assert_eq!(mode, 0o600, "{name} has mode {mode:o}");
        found.push(name);
    }
    found.sort();
    assert_eq!(
        found,
        [
            "backup.db",
            "keymoor.db",
            "keymoor.db-shm",
            "keymoor.db-wal",
            "keymoor.db.lock",
            "keymoor.key",
            "keymoor.tls-certificate.pem",
            "keymoor.tls-key.pem",
        ]
    );
}

#[test]
fn init_with_other_settings_than_the_servers_warns() {
    let place = Place::new();
    assert_eq!(said(&place.run(&["init"])), "");
    assert_eq!(said(&place.run(&["init"])), "");
    let mut command = place.keymoor(&["init"]);
    let command = command.env("KEYMOOR_AUTH_URL", "https://auth.example");
    let said = said(&command.output().unwrap());
    assert!(
        said.contains("WARN") && said.contains("http://localhost:8021/console"),
        "{said}"
    );
}

#[test]
fn a_backup_is_made_beside_a_running_server_and_replaces_nothing() {
    let place = Place::new();
    place.init();
    let _server = Server::start(&place);
    let file = place.path("backup.db");
    let output = place.run(&["backup", &file]);
    assert!(output.status.success(), "{output:?}");
    let again = place.run(&["backup", &file]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("exists already"), "{again:?}");
}

#[test]
fn the_api_documents_are_printed_without_any_settings() {
    for (arguments, path) in [
        (&["openapi"][..], "/v1/tenants/{tenant_id}"),
        (&["openapi", "public"], "authorize"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keymoor"));
        let output = command.args(arguments).env_clear().output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.keys().any(|key| key.contains(path)), "{paths:?}");
    }
}

#[test]
fn errors_are_one_line_on_standard_error_with_a_status_that_tells_whose_they_are() {
    let place = Place::new();
    let unmigrated = place.run(&["serve"]);
    assert_eq!(unmigrated.status.code(), Some(1));
    assert_eq!(said(&unmigrated).lines().count(), 1, "{unmigrated:?}");
    assert!(said(&unmigrated).starts_with("keymoor: "), "{unmigrated:?}");

    let mut command = place.keymoor(&["serve"]);
    let unknown = command.env("KEYMOOR_LITSEN", "x").output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(
        said(&unknown),
        "keymoor: unknown environment variable KEYMOOR_LITSEN; did you mean KEYMOOR_LISTEN?\n"
    );

    let mut command = place.keymoor(&["serve"]);
    let filter = command
        .env("KEYMOOR_LOG_FILTER", "a=loud")
        .output()
        .unwrap();
    assert_eq!(filter.status.code(), Some(2), "{filter:?}");
    assert_eq!(place.run(&["no-such-command"]).status.code(), Some(2));
    assert!(unmigrated.stdout.is_empty() && unknown.stdout.is_empty());
}

#[test]
fn init_without_json_is_for_people() {
    let place = Place::new();
    let output = place.run(&["init"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("Management API          http://localhost:8023\n"),
        "{text}"
    );
    assert!(text.contains(":invokeAuthenticator?token="), "{text}");
}

/// How many of the lines about refused requests to `path` are in `log`.
fn refusals(log: &str) -> u64 {
    log.lines()
        .filter(|line| line.contains("/nowhere/"))
        .count() as u64
}

/// A log pipe that nobody reads holds 64 KiB. These requests log many times as much as the pipe and
/// the server's own queue can hold.
fn log_more_than_fits(server: &Server) -> u64 {
    let path = format!("/nowhere/{}", "x".repeat(8_000));
    let number = 400;
    for _ in 0..number {
        let answer = server.get(0, &path);
        assert!(answer.starts_with("HTTP/1.1 404 Not Found"), "{answer}");
    }
    number
}

#[test]
fn a_log_that_nobody_reads_stops_neither_the_server_nor_its_end() {
    let place = Place::new();
    place.init();
    let mut server = Server::start(&place);
    log_more_than_fits(&server);
    assert!(server.get(0, "/readyz").ends_with("\r\n\r\nready"));
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    let ended = (0..600).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        server.child.try_wait().unwrap()
    });
    assert_eq!(ended.expect("it ends within 30 seconds").code(), Some(0));
}

#[test]
fn dropped_log_lines_are_counted_and_reported_when_the_log_is_read_again() {
    let place = Place::new();
    place.init();
    let mut server = Server::start(&place);
    let sent = log_more_than_fits(&server);
    let (mut log, mut line) = (String::new(), String::new());
    while !line.contains("log lines were dropped") {
        line.clear();
        assert!(server.log.read_line(&mut line).unwrap() > 0, "it ended");
        log.push_str(&line);
    }
    let report: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(report["level"], "WARN");
    let dropped = report["dropped"].as_u64().unwrap();
    assert!(dropped > 0 && refusals(&log) > 0, "{report}");
    assert_eq!(refusals(&log) + dropped, sent);
    let (status, rest) = server.stop(Signal::TERM);
    assert_eq!(status, Some(0), "{rest}");
    assert!(rest.contains("\"stopped\""), "{rest}");
    assert_eq!(refusals(&rest), 0);
}
