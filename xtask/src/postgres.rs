//! A PostgreSQL of our own on an ephemeral loopback port, for as long as a value lives.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};
use rustix::process::{Signal, geteuid};
use tempfile::TempDir;

use crate::{
    ports::free_ports,
    process::{capture, command},
    services::Service,
    setup,
};

/// How durable a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// PostgreSQL's own settings: it survives a power cut.
    Full,
    /// For tests: faster, and their data is deleted with the server anyway.
    None,
}

/// Dropping it stops the server, then deletes its data.
pub(crate) struct Postgres {
    _server: Service,
    _data: TempDir,
    url: String,
}

impl Postgres {
    pub(crate) fn start(durability: Durability) -> Result<Self> {
        let programs = setup::postgres_programs()?;
        let account = Account::for_postgres()?;
        // Not below the checkout: the account PostgreSQL runs under may not enter the home directory that is in.
        let dir = tempfile::Builder::new()
            .prefix("keymoor-postgres-")
            .tempdir()?;
        account.own(dir.path())?;
        let data = dir.path().join("data");

        let mut initdb = account.command(&programs.join("initdb"), dir.path());
        initdb.arg("--pgdata").arg(&data).args([
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
        ]);
        capture(initdb.args(["--encoding=UTF8", "--locale=C"]))?;

        let [port] = free_ports()?;
        let mut postgres = account.command(&programs.join("postgres"), dir.path());
        postgres
            .arg("-D")
            .arg(&data)
            .arg("-p")
            .arg(port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
        ] {
            postgres.args(["-c", setting]);
        }
        if durability == Durability::None {
            for setting in [
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ] {
                postgres.args(["-c", setting]);
            }
        }
        // SIGTERM would wait until every client has hung up, SIGINT hangs up on them.
        let mut server =
            Service::start("postgres", &mut postgres, dir.path())?.stopped_by(Signal::INT);
        let mut is_ready = command(programs.join("pg_isready"));
        is_ready
            .args(["--quiet", "--host=127.0.0.1", "--port"])
            .arg(port.to_string());
        server.wait_until(|| is_ready.status().is_ok_and(|status| status.success()))?;

        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        println!("PostgreSQL runs on port {port}");
        Ok(Self {
            _server: server,
            _data: dir,
            url,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// The account that PostgreSQL runs as: it refuses root.
enum Account {
    Own,
    Other { user: u32, group: u32 },
}

impl Account {
    fn for_postgres() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd = fs::read_to_string("/etc/passwd")?;
        let (user, group) = user_and_group(&passwd, "postgres").context(
            "PostgreSQL does not run as root, and there is no account `postgres`: make one",
        )?;
        Ok(Self::Other { user, group })
    }

    fn own(&self, dir: &Path) -> Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group } => Ok(chown(dir, Some(*user), Some(*group))?),
        }
    }

    fn command(&self, program: &Path, dir: &Path) -> Command {
        let mut command = command(program);
        command.current_dir(dir);
        if let Self::Other { user, group } = self {
            command.uid(*user).gid(*group);
        }
        command
    }
}

fn user_and_group(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let fields = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == name)?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          postgres:x:102:105:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        assert_eq!(user_and_group(PASSWD, "postgres"), Some((102, 105)));
        assert_eq!(user_and_group(PASSWD, "post"), None);
    }
}
