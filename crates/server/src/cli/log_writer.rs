//! A writer that never waits for the reader of the log.
//!
//! A pipe that nobody reads blocks whoever writes to it. Lines are therefore queued, and a thread
//! writes them. When the queue is full, lines are dropped and counted. When the reader goes on, a
//! line states how many were dropped.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::infra::metrics::LOG_LINES_DROPPED;

/// The size of the queue: some thousand lines.
const QUEUE_BYTES: usize = 1024 * 1024;

/// How long a full pipe that does not block is left alone.
const FULL_PIPE: Duration = Duration::from_millis(10);

/// How long the end of the process waits for the reader.
const FINISHING: Duration = Duration::from_secs(1);

/// Queues lines. Clones share the queue.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Notified when there is something to write, or nothing more will come.
    filled: Condvar,
    /// Notified when everything is written.
    emptied: Condvar,
}

#[derive(Default)]
struct Queue {
    text: Vec<u8>,
    /// Lines dropped since the last report.
    dropped: u64,
    is_writing: bool,
}

impl LogWriter {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        let writer = Self(Arc::default());
        let shared = Arc::clone(&writer.0);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_all(&shared, output))?;
        Ok(writer)
    }

    /// Queues or drops `line`, which ends with a line feed.
    pub(super) fn append(&self, line: &[u8]) {
        let mut queue = self.0.queue();
        if queue.text.len() + line.len() > QUEUE_BYTES {
            queue.dropped += 1;
            LOG_LINES_DROPPED.inc();
        } else {
            queue.text.extend_from_slice(line);
            self.0.filled.notify_one();
        }
    }

    /// Waits until everything is written, but not for long.
    pub(super) fn finish(&self) {
        let queue = self.0.queue();
        let is_busy = |queue: &mut Queue| queue.is_writing || !queue.text.is_empty();
        let _given_up = self.0.emptied.wait_timeout_while(queue, FINISHING, is_busy);
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code that can panic runs under the lock, so a poisoned queue is still consistent.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for text, moves it to the empty `batch`, and returns the number of lines that were
    /// dropped after it.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let mut queue = self.queue();
        queue.is_writing = false;
        if queue.text.is_empty() {
            self.emptied.notify_all();
        }
        let mut queue = self
            .filled
            .wait_while(queue, |queue| queue.text.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        queue.is_writing = true;
        std::mem::swap(&mut queue.text, batch);
        std::mem::take(&mut queue.dropped)
    }
}

fn write_all(shared: &Shared, mut output: impl Write) {
    let mut batch = Vec::new();
    loop {
        let dropped = shared.take(&mut batch);
        if dropped > 0 {
            // The queue is empty, so this line has room. It follows the batch.
            tracing::warn!(
                dropped,
                "log lines were dropped because the log was not read"
            );
        }
        let rest = write(&mut output, &batch);
        let lines = rest.split(|&byte| byte == b'\n').skip(1).count();
        LOG_LINES_DROPPED.inc_by(lines as u64);
        batch.clear();
    }
}

/// Writes `text` and returns what could not be written.
fn write<'a>(output: &mut impl Write, mut text: &'a [u8]) -> &'a [u8] {
    while !text.is_empty() {
        match output.write(text) {
            Ok(0) => break,
            Ok(written) => text = &text[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process that shares the pipe has made it non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL_PIPE),
            Err(_) => break,
        }
    }
    text
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// Queues a line. The subscriber writes each line with one call.
pub(super) struct Line<'a>(&'a LogWriter);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.append(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn nobody_waits_for_a_reader_that_does_not_read_and_what_is_dropped_is_counted() {
        let (mut reader, output) = UnixStream::pair().unwrap();
        let log = LogWriter::start(output).unwrap();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        let (before, sent) = (LOG_LINES_DROPPED.get(), 8 * 1024);
        for _ in 0..sent {
            log.append(&line);
        }
        let dropped = LOG_LINES_DROPPED.get() - before;
        assert!(dropped > 0);
        // It gives up: the lines are still there.
        log.finish();
        let mut read = 0;
        let mut buffer = [0; 1024];
        while read < sent - dropped {
            reader.read_exact(&mut buffer).unwrap();
            assert!(buffer == line[..], "a line is whole or absent");
            read += 1;
        }
        log.finish();
        assert!(log.0.queue().text.is_empty());
    }
}
