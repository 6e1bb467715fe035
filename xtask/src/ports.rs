//! Ports of 127.0.0.1 for the servers that we start.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    mem,
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use anyhow::{Result, bail};

/// Below Linux's ephemeral ports (`ip_local_port_range`, 32768 and up). A port from that range may
/// become the source port of any outgoing connection before the server that should listen there
/// has started.
const PORTS: Range<u16> = 20_000..32_000;
const ATTEMPTS: usize = 100;

/// Our servers listen on 127.0.0.1. A program that listens on the same port of this address has
/// claimed the port. The tests in `e2e` use the same address.
const CLAIMS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 53);

/// Claims `N` distinct ports of 127.0.0.1 on which nothing listens, until this process ends.
///
/// # Errors
///
/// Fails if a hundred random ports are all in use.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    for port in &mut ports {
        *port = free_port()?;
    }
    Ok(ports)
}

fn free_port() -> Result<u16> {
    for _ in 0..ATTEMPTS {
        let port = random_port();
        let Ok(claim) = TcpListener::bind((CLAIMS, port)) else {
            continue;
        };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            mem::forget(claim);
            return Ok(port);
        }
    }
    bail!(
        "no free port among {ATTEMPTS} of {} to {}",
        PORTS.start,
        PORTS.end - 1
    )
}

fn random_port() -> u16 {
    let random = RandomState::new().build_hasher().finish();
    let offset = random % u64::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(offset).expect("an offset within the range is below 2^16")
}

#[cfg(test)]
mod tests {
    use std::{
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);
    const POLL: Duration = Duration::from_millis(50);

    #[test]
    fn free_ports_are_distinct_and_can_be_bound() {
        let ports = free_ports::<5>().unwrap();
        let bound = ports.map(bind);
        assert_eq!(
            bound.map(|listener| listener.local_addr().unwrap().port()),
            ports
        );
    }

    #[test]
    fn a_claimed_port_is_no_ephemeral_port_and_cannot_be_claimed_again() {
        let [port] = free_ports().unwrap();
        assert!(PORTS.contains(&port), "{port}");
        TcpListener::bind((CLAIMS, port)).unwrap_err();
    }

    /// Tries for a while: what another test starts has copies of our sockets from its fork to its exec.
    fn bind(port: u16) -> TcpListener {
        let started = Instant::now();
        loop {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                Ok(listener) => return listener,
                Err(error) if started.elapsed() > LIMIT => panic!("port {port}: {error}"),
                Err(_) => thread::sleep(POLL),
            }
        }
    }
}
