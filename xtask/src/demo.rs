//! `cargo xtask demo`: the server, a sample application and a mail catcher, for a person or for a headless browser.

use std::{
    fs::{self, Permissions},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    build,
    ports::free_ports,
    process::{self, capture, command, run},
    repo,
    services::{Service, http_answers},
    setup,
};

pub(crate) const DEFAULT_PORT_BASE: u16 = 8021;

/// Starts the demo and keeps it running until a signal comes.
pub(crate) fn serve(port_base: u16) -> Result<()> {
    let ports = Ports::from_base(port_base);
    ports.ensure_free()?;
    let mut demo = Demo::start(ports)?;
    println!("\n{}\n", demo.addresses()?);
    println!("Everything starts empty and is deleted at the end. Ctrl-C stops it.");
    while !process::interrupted() {
        for service in &mut demo.services {
            service.ensure_running()?;
        }
        thread::sleep(Duration::from_millis(200));
    }
    println!("\nStopping.");
    Ok(())
}

/// Starts the demo on free ports and lets the sample application's own check drive it.
pub(crate) fn check() -> Result<()> {
    let chromium = setup::programs(&[setup::CHROMIUM])?;
    let demo = Demo::start(Ports::free()?)?;
    let mut check = setup::node(&["examples/web/check.ts"])?;
    check
        .env("APP_URL", local(demo.ports.app))
        .env("MAIL_URL", local(demo.ports.mail))
        .envs(chromium);
    run(&mut check).inspect_err(|_| {
        for service in &demo.services {
            eprintln!("{}", service.log_end());
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ports {
    auth: u16,
    api: u16,
    app: u16,
    mail: u16,
    smtp: u16,
}

impl Ports {
    fn from_base(base: u16) -> Self {
        Self {
            auth: base,
            api: base + 2,
            app: base + 4,
            mail: base + 5,
            smtp: base + 6,
        }
    }

    fn free() -> Result<Self> {
        let [auth, api, app, mail, smtp] = free_ports()?;
        Ok(Self {
            auth,
            api,
            app,
            mail,
            smtp,
        })
    }

    fn ensure_free(self) -> Result<()> {
        let Self {
            auth,
            api,
            app,
            mail,
            smtp,
        } = self;
        for port in [auth, api, app, mail, smtp] {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
                format!("port {port} is taken: stop what uses it or choose another --port-base")
            })?;
        }
        Ok(())
    }
}

struct Demo {
    services: Vec<Service>,
    dir: TempDir,
    ports: Ports,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Last started, first stopped: the server hands over its last mails while the catcher still listens.
        while self.services.pop().is_some() {}
    }
}

impl Demo {
    fn start(ports: Ports) -> Result<Self> {
        let binary = build::build()?;
        let dir = tempfile::Builder::new()
            .prefix("demo-")
            .tempdir_in(repo::dev_dir()?)?;
        let mut demo = Self {
            services: Vec::new(),
            dir,
            ports,
        };
        demo.start_mail_catcher()?;
        demo.initialise(&binary)?;
        demo.start_server(&binary)?;
        demo.start_sample_application()?;
        Ok(demo)
    }

    fn start_mail_catcher(&mut self) -> Result<()> {
        let mut catcher = setup::node(&["tools/mail-catcher/main.ts"])?;
        catcher
            .env("SMTP_PORT", self.ports.smtp.to_string())
            .env("WEB_PORT", self.ports.mail.to_string());
        self.start_service("mail-catcher", &mut catcher, self.ports.mail, "/")
    }

    fn initialise(&self, binary: &Path) -> Result<()> {
        let output = capture(self.keymoor(binary).args(["init", "--json"]))?;
        let file = self.dir.path().join("init.json");
        fs::write(&file, output)?;
        // It holds a client secret.
        Ok(fs::set_permissions(&file, Permissions::from_mode(0o600))?)
    }

    fn start_server(&mut self, binary: &Path) -> Result<()> {
        let mut server = self.keymoor(binary);
        self.start_service("keymoor", server.arg("serve"), self.ports.auth, "/readyz")
    }

    fn start_sample_application(&mut self) -> Result<()> {
        let mut app = setup::node(&["examples/web/server.ts"])?;
        app.env("INIT_JSON", self.dir.path().join("init.json"))
            .env("PORT", self.ports.app.to_string())
            .env("MAIL_URL", local(self.ports.mail));
        self.start_service("sample-application", &mut app, self.ports.app, "/")
    }

    fn start_service(
        &mut self,
        name: &'static str,
        command: &mut Command,
        port: u16,
        path: &str,
    ) -> Result<()> {
        println!("starting {name} on port {port}");
        let mut service = Service::start(name, command, self.dir.path())?;
        service.wait_until(|| http_answers(port, path))?;
        self.services.push(service);
        Ok(())
    }

    fn keymoor(&self, binary: &Path) -> Command {
        let dir = self.dir.path();
        let Ports {
            auth, api, smtp, ..
        } = self.ports;
        let mut keymoor = command(binary);
        keymoor
            .env(
                "KEYMOOR_DATABASE_URL",
                format!("sqlite://{}", dir.join("keymoor.db").display()),
            )
            .env("KEYMOOR_MASTER_KEY_FILE", dir.join("master.key"))
            .env(
                "KEYMOOR_LISTEN",
                format!("127.0.0.1:{auth},127.0.0.1:{api}"),
            )
            .env("KEYMOOR_AUTH_URL", local(auth))
            .env("KEYMOOR_API_URL", local(api))
            .env("KEYMOOR_SMTP_URL", format!("smtp://127.0.0.1:{smtp}"))
            .env("KEYMOOR_MAIL_FROM", "Keymoor demo <keymoor@example.com>");
        keymoor
    }

    fn addresses(&self) -> Result<String> {
        let file = self.dir.path().join("init.json");
        let init = serde_json::from_slice(&fs::read(&file)?)
            .context("`keymoor init --json` printed no JSON")?;
        Ok(addresses(self.ports, &init, &file))
    }
}

fn local(port: u16) -> String {
    // The published SDK treats `localhost` as a secure host, but not `127.0.0.1`.
    format!("http://localhost:{port}")
}

fn addresses(ports: Ports, init: &Value, init_file: &Path) -> String {
    let from_init = |key: &str| init[key].as_str().unwrap_or("-").to_owned();
    let rows = [
        ("Sample application", local(ports.app)),
        ("Mail", local(ports.mail)),
        ("Console", format!("{}/console", from_init("auth_url"))),
        (
            "First administrator's way in",
            from_init("admin_binding_link"),
        ),
        ("Sign-in and SDK calls", from_init("auth_url")),
        ("Management API", from_init("api_url")),
        ("Its client and secret", init_file.display().to_string()),
    ];
    rows.map(|(what, address)| format!("{what:<31}{address}"))
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_ports_are_the_documented_ones() {
        let expected = Ports {
            auth: 8021,
            api: 8023,
            app: 8025,
            mail: 8026,
            smtp: 8027,
        };
        assert_eq!(Ports::from_base(DEFAULT_PORT_BASE), expected);
    }

    #[test]
    fn a_taken_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let smtp = listener.local_addr().unwrap().port();
        let error = Ports {
            smtp,
            ..Ports::free().unwrap()
        }
        .ensure_free()
        .unwrap_err();
        assert!(error.to_string().contains(&smtp.to_string()), "{error}");
    }

    #[test]
    fn the_addresses_name_the_administrators_link_and_no_secret() {
        let init = serde_json::json!({
            "auth_url": "http://localhost:8021",
            "api_url": "http://localhost:8023",
            "management": { "client_secret": "hidden" },
            "admin_binding_link": "http://localhost:8021/v1/link?token=t",
        });
        let shown = addresses(Ports::from_base(8021), &init, Path::new("/demo/init.json"));
        assert!(
            shown.contains("Sample application             http://localhost:8025\n"),
            "{shown}"
        );
        assert!(
            shown.contains("http://localhost:8021/v1/link?token=t"),
            "{shown}"
        );
        assert!(
            shown.contains("Console                        http://localhost:8021/console\n"),
            "{shown}"
        );
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
