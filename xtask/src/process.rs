//! Child processes that never outlive us, whichever way we end.

use std::{
    env,
    ffi::OsStr,
    fmt::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static FOREGROUND: Mutex<Option<Pid>> = Mutex::new(None);

/// From now on a signal ends the command that `run` waits for; its error then unwinds `main`, which stops all services.
/// A second signal kills that command.
pub(crate) fn stop_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        for _ in signals.forever() {
            let again = INTERRUPTED.swap(true, Ordering::SeqCst);
            signal_foreground(if again { Signal::KILL } else { Signal::TERM });
        }
    });
    Ok(())
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// A command at the root of the repository that sees none of the caller's own `KEYMOOR_` settings.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(crate::repo::root())
        .stdin(Stdio::null());
    for (name, _) in
        env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYMOOR_"))
    {
        command.env_remove(name);
    }
    command
}

pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

/// Shows the command, lets its output through, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    println!("$ {shown}");
    let mut child = spawn(command)?;
    let group = Pid::from_child(&child);
    set_foreground(Some(group));
    if interrupted() {
        // The signal may have come before there was a foreground to send it to.
        signal_foreground(Signal::TERM);
    }
    let status = child.wait();
    set_foreground(None);
    kill_leftovers(group);
    ensure!(!interrupted(), "interrupted");
    let status = status?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    Ok(())
}

/// As `run`, but returns what the command wrote to standard output.
pub(crate) fn capture(command: &mut Command) -> Result<Vec<u8>> {
    let shown = describe(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("`{shown}` failed ({})", output.status);
    }
    Ok(output.stdout)
}

/// Starts a process group of its own, so that its own children can be stopped with it.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command
        .process_group(0)
        .spawn()
        .with_context(|| cannot_start(command))
}

pub(crate) fn kill_leftovers(group: Pid) {
    // The usual answer is that nothing is left.
    let _ = kill_process_group(group, Signal::KILL);
}

fn set_foreground(group: Option<Pid>) {
    *FOREGROUND.lock().expect("no holder of this lock panics") = group;
}

fn signal_foreground(signal: Signal) {
    if let Some(group) = *FOREGROUND.lock().expect("no holder of this lock panics") {
        let _ = kill_process_group(group, signal);
    }
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().display())
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut shown = program
        .file_name()
        .unwrap_or_default()
        .display()
        .to_string();
    for argument in command.get_args() {
        write!(shown, " {}", argument.display()).expect("writing to a String succeeds");
    }
    shown
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use super::*;

    pub(crate) fn is_running(pid: u32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[test]
    fn a_command_is_shown_without_the_directory_of_its_program() {
        let mut command = Command::new("/opt/tools/cargo-deny");
        command.args(["check", "bans"]);
        assert_eq!(describe(&command), "cargo-deny check bans");
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let error = run(command("sh").args(["-c", "exit 3"]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sh -c exit 3") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = capture(&mut command("/nowhere/keymoor"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nowhere/keymoor"), "{error}");
    }

    #[test]
    fn what_a_command_leaves_behind_is_killed() {
        let pid_file = tempfile::NamedTempFile::new().unwrap();
        let script = format!("sleep 600 & echo $! > {}", pid_file.path().display());
        run(command("sh").args(["-c", &script])).unwrap();
        let pid = fs::read_to_string(pid_file.path()).unwrap();
        let killed = Instant::now();
        while is_running(pid.trim().parse().unwrap()) {
            assert!(
                killed.elapsed() < Duration::from_mins(1),
                "process {pid} still runs"
            );
        }
    }
}
