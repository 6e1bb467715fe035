//! Servers that run beside us until their guard is dropped.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::process;

const START_LIMIT: Duration = Duration::from_mins(1);
const STOP_LIMIT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);
const SHOWN_LOG_LINES: usize = 40;

/// A running server; dropping it stops it.
pub(crate) struct Service {
    name: &'static str,
    child: Child,
    log: PathBuf,
    stop_signal: Signal,
}

impl Service {
    /// Starts a server that logs to a file in `log_dir`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log_dir: &Path) -> Result<Self> {
        let log = log_dir.join(format!("{name}.log"));
        let output =
            File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
        let child = process::spawn(command.stdout(output.try_clone()?).stderr(output))?;
        Ok(Self {
            name,
            child,
            log,
            stop_signal: Signal::TERM,
        })
    }

    pub(crate) fn stopped_by(mut self, signal: Signal) -> Self {
        self.stop_signal = signal;
        self
    }

    /// Waits until `is_ready`. Fails with the end of the log when the server exits or is not ready
    /// within a minute.
    pub(crate) fn wait_until(&mut self, mut is_ready: impl FnMut() -> bool) -> Result<()> {
        let started = Instant::now();
        while !is_ready() {
            ensure!(!process::interrupted(), "interrupted");
            self.ensure_running()?;
            if started.elapsed() > START_LIMIT {
                bail!(
                    "{} did not answer within {START_LIMIT:?}\n{}",
                    self.name,
                    self.log_end()
                );
            }
            thread::sleep(POLL);
        }
        // Another process may have answered on a port that our server failed to bind.
        self.ensure_running()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status})\n{}", self.name, self.log_end()),
        }
    }

    /// The last lines this server wrote, under a heading.
    pub(crate) fn log_end(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let end = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
        format!("--- last lines of {} ---\n{}\n", self.name, end.join("\n"))
    }

    fn stop(&mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        if self.child.try_wait()?.is_none() {
            kill_process(pid, self.stop_signal)?;
        }
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP_LIMIT {
                eprintln!("{} did not stop within {STOP_LIMIT:?}: killed", self.name);
                self.child.kill()?;
            }
            thread::sleep(POLL);
        }
        process::kill_leftovers(pid);
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("cannot stop {}: {error}", self.name);
        }
    }
}

/// Whether `GET path` is answered by a status below 400.
pub(crate) fn http_answers(port: u16, path: &str) -> bool {
    let ask = || -> std::io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect(("localhost", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
        )?;
        let mut status_line_start = [0; 12];
        stream.read_exact(&mut status_line_start)?;
        Ok(status_line_start)
    };
    ask().is_ok_and(|start| start.starts_with(b"HTTP/1.1 ") && matches!(start[9], b'2' | b'3'))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::{Ipv4Addr, TcpListener},
    };

    use super::*;
    use crate::{
        ports::free_ports,
        process::{command, tests::is_running},
    };

    fn shell(script: &str, logs: &Path) -> Service {
        Service::start("shell", command("sh").args(["-c", script]), logs).unwrap()
    }

    #[test]
    fn dropping_a_service_ends_its_process() {
        let logs = tempfile::tempdir().unwrap();
        let service = shell("exec sleep 600", logs.path());
        let pid = service.child.id();
        assert!(is_running(pid));
        drop(service);
        assert!(!is_running(pid));
    }

    #[test]
    fn a_service_that_ends_early_is_an_error_with_its_last_words() {
        let logs = tempfile::tempdir().unwrap();
        let mut service = shell("echo no such setting; exit 2", logs.path());
        let error = service.wait_until(|| false).unwrap_err().to_string();
        assert!(
            error.contains("exit status: 2") && error.contains("no such setting"),
            "{error}"
        );
    }

    fn answering(response: &'static str) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap());
            request
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .for_each(drop);
            stream.write_all(response.as_bytes()).unwrap();
        });
        port
    }

    #[test]
    fn only_an_answer_that_is_no_error_counts() {
        assert!(http_answers(
            answering("HTTP/1.1 200 OK\r\n\r\n"),
            "/readyz"
        ));
        assert!(http_answers(answering("HTTP/1.1 302 Found\r\n\r\n"), "/"));
        assert!(!http_answers(
            answering("HTTP/1.1 503 Service Unavailable\r\n\r\n"),
            "/readyz"
        ));
        let [nobody] = free_ports().unwrap();
        assert!(!http_answers(nobody, "/"));
    }
}
