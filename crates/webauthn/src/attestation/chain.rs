//! Certificate chains of attestation. They differ from web chains: names do not matter, a leaf
//! itself may be the root, and intermediate certificates come only from the statement.

use keymoor_types::Timestamp;
use x509_parser::oid_registry::Oid;
use x509_parser::oid_registry::asn1_rs::oid;

use super::certificate::Certificate;

/// Supported extensions, which may therefore be critical (RFC 5280 section 4.2). The statement
/// checks the purpose and the names of an attestation certificate. Any certificate policy is
/// accepted.
const UNDERSTOOD: [Oid<'static>; 5] = [
    BASIC_CONSTRAINTS,
    oid!(2.5.29.15),
    oid!(2.5.29.17),
    oid!(2.5.29.32),
    oid!(2.5.29.37),
];
const BASIC_CONSTRAINTS: Oid<'static> = oid!(2.5.29.19);

/// Returns whether `chain`, the attestation certificate first, leads to one of the `roots`, all in
/// DER. Each certificate must be valid at `now` and issued by the next, which must be allowed to
/// issue it. Some certificate must be a root or issued by one.
pub(super) fn leads_to_root(chain: &[&[u8]], roots: &[Vec<u8>], now: Timestamp) -> bool {
    let Some(certificates) = parse_all(chain.iter().copied(), now) else {
        return false;
    };
    let is_chain = certificates
        .windows(2)
        .enumerate()
        .all(|(below, pair)| issued(&pair[0], &pair[1], below));
    is_chain
        && roots
            .iter()
            .any(|root| chain.contains(&root.as_slice()) || issues_one_of(&certificates, root, now))
}

fn issues_one_of(certificates: &[Certificate<'_>], root: &[u8], now: Timestamp) -> bool {
    let Some(root) = parse_valid(root, now) else {
        return false;
    };
    certificates
        .iter()
        .enumerate()
        .any(|(below, certificate)| issued(certificate, &root, below))
}

fn parse_all<'a>(
    chain: impl Iterator<Item = &'a [u8]>,
    now: Timestamp,
) -> Option<Vec<Certificate<'a>>> {
    chain.map(|der| parse_valid(der, now)).collect()
}

fn parse_valid(der: &[u8], now: Timestamp) -> Option<Certificate<'_>> {
    let certificate = Certificate::parse(der).ok()?;
    (is_valid(&certificate, now) && is_understood(&certificate)).then_some(certificate)
}

pub(super) fn is_valid(certificate: &Certificate<'_>, now: Timestamp) -> bool {
    let validity = certificate.x509().validity();
    let (from, until) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    (from..=until).contains(&now.as_seconds())
}

pub(super) fn is_understood(certificate: &Certificate<'_>) -> bool {
    let mut extensions = certificate.x509().extensions().iter();
    extensions.all(|extension| {
        !extension.critical
            || UNDERSTOOD.contains(&extension.oid) && extension.parsed_extension().error().is_none()
    })
}

/// Returns whether `issuer` issued `certificate`, which has `below` certificates between itself and
/// the chain's beginning, the beginning included.
fn issued(certificate: &Certificate<'_>, issuer: &Certificate<'_>, below: usize) -> bool {
    may_issue(issuer, below) && certificate.is_issued_by(issuer)
}

/// Returns whether `issuer` may issue (RFC 5280 sections 4.2.1.9 and 4.2.1.3). Every certificate
/// between issuer and leaf counts against the path length, self-issued ones too.
fn may_issue(issuer: &Certificate<'_>, below: usize) -> bool {
    let x509 = issuer.x509();
    let Ok(Some(constraints)) = x509.basic_constraints() else {
        return false;
    };
    let long_enough = constraints
        .value
        .path_len_constraint
        .is_none_or(|length| usize::try_from(length).is_ok_and(|length| below <= length));
    let may_sign = match x509.key_usage() {
        Ok(usage) => usage.is_none_or(|usage| usage.value.key_cert_sign()),
        Err(_) => false,
    };
    issuer.is_ca() && long_enough && may_sign
}
