//! A writer that never waits for the reader of the log.
//!
//! A pipe that nobody reads blocks whoever writes to it. Lines are therefore queued, and a thread
//! writes them. When the queue is full, lines are dropped and counted. When the reader goes on, a
//! line states how many were dropped.
//!
//! Waking the thread costs more than queueing a line. So the thread writes the first line at once,
//! and then everything that came during the [`PAUSE`] after it.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::infra::metrics::LOG_LINES_DROPPED;

/// The size of the queue: some thousand lines.
const QUEUE_BYTES: usize = 1024 * 1024;

/// The text that is written without a pause, so that the queue does not fill up during one.
const HURRY_BYTES: usize = QUEUE_BYTES / 4;

/// How long lines are collected after a write.
const PAUSE: Duration = Duration::from_millis(5);

/// How long a full pipe that does not block is left alone.
const FULL_PIPE: Duration = Duration::from_millis(10);

/// How long the end of the process waits for the reader.
const FINISHING: Duration = Duration::from_secs(1);

/// Queues lines. Clones share the queue.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Notified when the thread must go on.
    filled: Condvar,
    /// Notified when everything is written.
    emptied: Condvar,
    pause: Duration,
}

#[derive(Default)]
struct Queue {
    text: Vec<u8>,
    /// Lines dropped since the last report.
    dropped: u64,
    thread: Thread,
    /// Whether the process ends, so that nothing is collected any more.
    is_finishing: bool,
}

/// What the thread does.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Thread {
    /// Waits for a line.
    #[default]
    Idle,
    /// Waits for the end of the pause.
    Pausing,
    Writing,
}

impl Queue {
    /// Whether the thread must be woken.
    fn is_due(&self) -> bool {
        match self.thread {
            Thread::Idle => !self.text.is_empty(),
            Thread::Pausing => self.is_finishing || self.text.len() >= HURRY_BYTES,
            Thread::Writing => false,
        }
    }
}

impl LogWriter {
    /// Starts the thread that writes to `output`.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub(super) fn start(output: impl Write + Send + 'static) -> io::Result<Self> {
        Self::start_with(output, PAUSE)
    }

    fn start_with(output: impl Write + Send + 'static, pause: Duration) -> io::Result<Self> {
        let writer = Self(Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            pause,
        }));
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
            let was_due = queue.is_due();
            queue.text.extend_from_slice(line);
            // The thread that was woken before is on its way.
            let must_wake = queue.is_due() && !was_due;
            drop(queue);
            if must_wake {
                self.0.filled.notify_one();
            }
        }
    }

    /// Waits until everything is written, but not for long. Lines are no longer collected.
    pub(super) fn finish(&self) {
        let mut queue = self.0.queue();
        queue.is_finishing = true;
        self.0.filled.notify_one();
        let is_busy = |queue: &mut Queue| queue.thread == Thread::Writing || !queue.text.is_empty();
        let _given_up = self.0.emptied.wait_timeout_while(queue, FINISHING, is_busy);
    }
}

impl Shared {
    /// Collects lines for a while.
    fn pause(&self) {
        let mut queue = self.queue();
        queue.thread = Thread::Pausing;
        if queue.text.is_empty() {
            self.emptied.notify_all();
        }
        let is_patient = |queue: &mut Queue| !queue.is_due();
        let _over = self
            .filled
            .wait_timeout_while(queue, self.pause, is_patient);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code that can panic runs under the lock, so a poisoned queue is still consistent.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for text, moves it to the empty `batch`, and returns the number of lines that were
    /// dropped after it.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let mut queue = self.queue();
        queue.thread = Thread::Idle;
        let mut queue = self
            .filled
            .wait_while(queue, |queue| !queue.is_due())
            .unwrap_or_else(PoisonError::into_inner);
        queue.thread = Thread::Writing;
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
        shared.pause();
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
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Sends every write to a test.
    struct Writes(Sender<String>);

    impl Writes {
        /// Starts a writer that pauses for longer than any test takes.
        fn of_a_patient_writer() -> (LogWriter, Receiver<String>) {
            let (writes, received) = channel();
            let log = LogWriter::start_with(Self(writes), Duration::from_hours(24)).unwrap();
            (log, received)
        }
    }

    impl Write for Writes {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let sent = self.0.send(String::from_utf8_lossy(text).into_owned());
            sent.map_err(io::Error::other)?;
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_first_line_is_written_at_once_and_those_that_follow_together_at_the_end() {
        let (log, writes) = Writes::of_a_patient_writer();
        log.append(b"first\n");
        assert_eq!(writes.recv().unwrap(), "first\n");
        log.append(b"second\n");
        log.append(b"third\n");
        log.finish();
        let written: Vec<_> = writes.try_iter().collect();
        assert_eq!(written.concat(), "second\nthird\n");
        log.append(b"last\n");
        log.finish();
        assert_eq!(writes.try_recv().unwrap(), "last\n");
    }

    #[test]
    fn much_text_is_written_without_a_pause() {
        let (log, writes) = Writes::of_a_patient_writer();
        log.append(b"first\n");
        assert_eq!(writes.recv().unwrap(), "first\n");
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..HURRY_BYTES / line.len() {
            log.append(&line);
        }
        // Fewer bytes would wait for a day.
        assert!(!writes.recv().unwrap().is_empty());
    }

    #[test]
    fn lines_are_written_after_the_pause_although_nothing_follows() {
        let (sender, writes) = channel();
        let log = LogWriter::start(Writes(sender)).unwrap();
        let lines: Vec<_> = (0..100).map(|number| format!("{number}\n")).collect();
        for line in &lines {
            log.append(line.as_bytes());
        }
        let expected = lines.concat();
        let mut written = String::new();
        while written.len() < expected.len() {
            written += &writes.recv().unwrap();
        }
        assert_eq!(written, expected);
    }

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
