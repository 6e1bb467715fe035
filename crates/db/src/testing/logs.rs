//! Logs of tests that run side by side.

use std::sync::OnceLock;

use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// Lets each test hear its own log lines, whatever the others do.
///
/// While a process has a single subscriber, `tracing` believes that every thread has it. A line
/// that is first written on a thread without one is then turned off for all, and a test that waits
/// for it waits in vain. With two subscribers that never end, each thread is asked.
pub(super) fn keep_apart() {
    static NEVER_DROPPED: OnceLock<[Dispatch; 2]> = OnceLock::new();
    NEVER_DROPPED.get_or_init(|| [(); 2].map(|()| Dispatch::new(NoSubscriber::new())));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use tracing::Subscriber;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

    struct Lines(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn log() {
        tracing::info!("a line");
    }

    #[test]
    fn a_line_that_another_test_wrote_first_is_heard() {
        super::keep_apart();
        let lines = Arc::new(AtomicUsize::new(0));
        let subscriber = tracing_subscriber::registry().with(Lines(Arc::clone(&lines)));
        let _default = tracing::subscriber::set_default(subscriber);
        thread::spawn(log).join().unwrap();
        log();
        assert_eq!(lines.load(Ordering::Relaxed), 1);
    }
}
