//! Self-signed certificates, for development.
//!
//! Browsers warn until they trust the certificate, so it is stored and used again.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use jiff::tz::TimeZone;
use keymoor_types::{Seconds, Timestamp};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::tls::{Certificate, TlsFiles};

/// Some systems trust no certificate that is valid longer than 825 days.
const LIFETIME: Seconds = Seconds::DAY.times(800);
/// A certificate that expires within this time is replaced.
const RENEW_BEFORE: Seconds = Seconds::DAY.times(30);

/// Whether the certificate was created or already existed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Created,
    Found,
}

/// Ensures that `files` contain a certificate for `hosts` (names or IP addresses), valid at `now`.
///
/// # Errors
/// When the files can't be written.
pub fn keep(files: &TlsFiles, hosts: &[String], now: Timestamp) -> io::Result<Kept> {
    let fits = Certificate::read(files).is_ok_and(|certificate| {
        certificate.not_after > now + RENEW_BEFORE && names(certificate.leaf(), hosts)
    });
    if fits {
        return Ok(Kept::Found);
    }
    create(files, hosts, now)?;
    Ok(Kept::Created)
}

/// Whether a certificate covers all of `hosts`.
pub fn names(leaf: &[u8], hosts: &[String]) -> bool {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        return false;
    };
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return false;
    };
    let names = &names.value.general_names;
    hosts
        .iter()
        .all(|host| names.iter().any(|name| is_for(name, host)))
}

fn is_for(name: &GeneralName<'_>, host: &str) -> bool {
    match name {
        GeneralName::DNSName(name) => {
            let wildcard = name.strip_prefix("*.");
            let parent = host.split_once('.').map(|(_, parent)| parent);
            name.eq_ignore_ascii_case(host)
                || wildcard.is_some_and(|zone| {
                    parent.is_some_and(|parent| parent.eq_ignore_ascii_case(zone))
                })
        }
        GeneralName::IPAddress(octets) => match host.parse() {
            Ok(std::net::IpAddr::V4(ip)) => ip.octets() == *octets,
            Ok(std::net::IpAddr::V6(ip)) => ip.octets() == *octets,
            Err(_) => false,
        },
        _ => false,
    }
}

fn create(files: &TlsFiles, hosts: &[String], now: Timestamp) -> io::Result<()> {
    let mut params = CertificateParams::new(hosts).map_err(io::Error::other)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Keymoor (development)");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A browser's clock may be behind ours.
    let (year, month, day) = date(now - Seconds::DAY)?;
    params.not_before = date_time_ymd(year, month, day);
    let (year, month, day) = date(now + LIFETIME)?;
    params.not_after = date_time_ymd(year, month, day);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    write(&files.key, &key.serialize_pem())?;
    write(&files.certificate, &certificate.pem())
}

/// Year, month and day.
fn date(time: Timestamp) -> io::Result<(i32, u8, u8)> {
    let time = jiff::Timestamp::from_microsecond(time.as_micros()).map_err(io::Error::other)?;
    let date = time.to_zoned(TimeZone::UTC).date();
    let part = |part: i8| u8::try_from(part).expect("months and days are positive");
    Ok((i32::from(date.year()), part(date.month()), part(date.day())))
}

/// Writes a file that only its owner can read.
fn write(path: &Path, text: &str) -> io::Result<()> {
    const OWNER_ONLY: u32 = 0o600;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, OWNER_ONLY);
    let mut file = options.open(path)?;
    // The mode above applies only to new files.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(OWNER_ONLY))?;
    file.write_all(text.as_bytes())
}
