//! Sealing: authenticated encryption under the master key.
//!
//! Sealing protects every secret that must be readable again: private keys, client secrets, tokens
//! in queued mails, and state that passes through a browser. Each purpose has its own key, derived
//! from the master key by HKDF. The sealed form is
//! `version (1) | nonce (12) | ciphertext | tag (16)`.
//!
//! Version 2 is AES-256-GCM-SIV (RFC 8452). Strangers can have any number of values sealed, and the
//! nonces are random. AES-GCM would fail at the first nonce that occurs twice, so one key may seal
//! 2^32 values at most (NIST SP 800-38D, section 8.3): five days of 10,000 sign-ins a second. With
//! GCM-SIV, two values with the same nonce show only whether they are equal. Two equal nonces are
//! likely after 2^48 values: 900 years. Version 1 is AES-256-GCM. It is opened, and never sealed.

use std::sync::Arc;

use aws_lc_rs::aead::{
    AES_256_GCM, AES_256_GCM_SIV, Aad, Algorithm, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::Rng;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// How a value is sealed: its first byte.
#[derive(Clone, Copy)]
enum Version {
    Gcm = 1,
    GcmSiv = 2,
}

impl Version {
    const ALL: [Self; 2] = [Self::Gcm, Self::GcmSiv];

    fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&version| version as u8 == byte)
    }

    const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Gcm => &AES_256_GCM,
            Self::GcmSiv => &AES_256_GCM_SIV,
        }
    }

    /// What is appended to the purpose's label, so that no key has two algorithms.
    const fn label(self) -> &'static str {
        match self {
            Self::Gcm => "",
            Self::GcmSiv => "/gcm-siv",
        }
    }
}

/// The purpose of a sealed value. A value can't be opened for another purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SigningKey,
    ClientSecret,
    LinkToken,
    PageToken,
    Challenge,
    Registration,
    /// The state of a console's sign-in.
    ConsoleSignIn,
}

impl Purpose {
    const ALL: [Self; 7] = [
        Self::SigningKey,
        Self::ClientSecret,
        Self::LinkToken,
        Self::PageToken,
        Self::Challenge,
        Self::Registration,
        Self::ConsoleSignIn,
    ];

    /// The HKDF info string. Changing it makes all values sealed for the purpose unreadable.
    const fn label(self) -> &'static str {
        match self {
            Self::SigningKey => "keymoor/signing-key",
            Self::ClientSecret => "keymoor/client-secret",
            Self::LinkToken => "keymoor/link-token",
            Self::PageToken => "keymoor/page-token",
            Self::Challenge => "keymoor/challenge",
            Self::Registration => "keymoor/registration",
            Self::ConsoleSignIn => "keymoor/console-sign-in",
        }
    }
}

/// The value was altered, or sealed under another key, purpose or context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value can't be opened")]
pub struct OpenError;

/// The 256-bit secret from which all sealing keys are derived. Wiped when it is dropped.
///
/// It is in a box, because moving the bytes themselves would leave copies behind.
#[derive(ZeroizeOnDrop)]
pub struct MasterKey(Box<[u8; 32]>);

impl MasterKey {
    pub fn generate(rng: &dyn Rng) -> Self {
        Self::filled(|key| rng.fill(key))
    }

    /// Parses the base64url form that [`Self::encode`] writes. Ignores surrounding white space.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).ok()?);
        (bytes.len() == 32).then(|| Self::filled(|key| key.copy_from_slice(&bytes)))
    }

    fn filled(fill: impl FnOnce(&mut [u8])) -> Self {
        let mut key = Self(Box::new([0; 32]));
        fill(&mut *key.0);
        key
    }

    #[cfg(test)]
    pub(crate) fn of(bytes: [u8; 32]) -> Self {
        Self(Box::new(bytes))
    }

    pub fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.0))
    }
}

/// Seals and opens values. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<[[LessSafeKey; Version::ALL.len()]; Purpose::ALL.len()]>,
    rng: Arc<dyn Rng>,
}

impl Vault {
    pub fn new(master: &MasterKey, rng: Arc<dyn Rng>) -> Self {
        let keys = Purpose::ALL
            .map(|purpose| Version::ALL.map(|version| derive(master, purpose, version)));
        Self {
            keys: Arc::new(keys),
            rng,
        }
    }

    /// Seals `plain`. `context` is not stored, and opening requires the same one.
    pub fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal_as(Version::GcmSiv, purpose, context, plain)
    }

    fn seal_as(&self, version: Version, purpose: Purpose, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = self.rng.bytes();
        let mut sealed =
            Vec::with_capacity(1 + NONCE_LEN + plain.len() + version.algorithm().tag_len());
        sealed.push(version as u8);
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        self.key(purpose, version)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut body,
            )
            .expect("AES-GCM and AES-GCM-SIV seal any text shorter than 64 GiB");
        sealed.append(&mut body);
        sealed
    }

    /// Opens a value that [`Self::seal`] returned for the same purpose and context.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError)?;
        let version = Version::of(*version).ok_or(OpenError)?;
        if rest.len() < NONCE_LEN {
            return Err(OpenError);
        }
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self
            .key(purpose, version)
            .open_in_place(nonce, Aad::from(context), &mut plain)
            .map_err(|_| OpenError)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn key(&self, purpose: Purpose, version: Version) -> &LessSafeKey {
        &self.keys[purpose as usize][version as usize - 1]
    }
}

fn derive(master: &MasterKey, purpose: Purpose, version: Version) -> LessSafeKey {
    let info = [purpose.label().as_bytes(), version.label().as_bytes()];
    let key: UnboundKey = Salt::new(HKDF_SHA256, b"keymoor")
        .extract(master.0.as_slice())
        .expand(&info, version.algorithm())
        .expect("AES-256 needs 32 bytes, less than HKDF-SHA256's limit")
        .into();
    LessSafeKey::new(key)
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::*;
    use crate::app::SystemRng;

    fn vault(key: u8) -> Vault {
        Vault::new(&MasterKey::of([key; 32]), Arc::new(SystemRng))
    }

    #[test]
    fn opens_only_for_the_purpose_context_and_master_key_it_was_sealed_with() {
        let sealed = vault(1).seal(Purpose::LinkToken, b"job 1", b"secret");
        assert_eq!(
            vault(1)
                .open(Purpose::LinkToken, b"job 1", &sealed)
                .unwrap()
                .as_slice(),
            b"secret"
        );
        assert_eq!(
            vault(1).open(Purpose::PageToken, b"job 1", &sealed),
            Err(OpenError)
        );
        assert_eq!(
            vault(1).open(Purpose::LinkToken, b"job 2", &sealed),
            Err(OpenError)
        );
        assert_eq!(
            vault(2).open(Purpose::LinkToken, b"job 1", &sealed),
            Err(OpenError)
        );
    }

    #[test]
    fn sealing_twice_gives_different_texts() {
        let vault = vault(1);
        assert_ne!(
            vault.seal(Purpose::Challenge, b"", b"x"),
            vault.seal(Purpose::Challenge, b"", b"x")
        );
    }

    /// Sealed by an earlier release: AES-256-GCM under the master key of 32 ones.
    #[test]
    fn values_of_version_1_still_open() {
        const SEALED: &str = "AQABAgMEBQYHCAkKC_YQ0hIDUVrZj9K-p7Oj04b5AQuzZBk";
        let open = |text: &str| {
            let sealed = URL_SAFE_NO_PAD.decode(text).unwrap();
            vault(1).open(Purpose::ClientSecret, b"application 1", &sealed)
        };
        assert_eq!(open(SEALED).unwrap().as_slice(), b"secret");
        let again = vault(1).seal_as(
            Version::Gcm,
            Purpose::ClientSecret,
            b"application 1",
            b"secret",
        );
        assert_eq!(
            open(&URL_SAFE_NO_PAD.encode(again)).unwrap().as_slice(),
            b"secret"
        );
    }

    #[test]
    fn a_repeated_nonce_reveals_only_equality_rfc_8452() {
        struct Zeros;
        impl Rng for Zeros {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0);
            }
        }
        let vault = Vault::new(&MasterKey::of([1; 32]), Arc::new(Zeros));
        let seal = |plain: &[u8]| vault.seal(Purpose::Challenge, b"", plain);
        let (first, second) = (seal(&[0; 32]), seal(&[1; 32]));
        assert_eq!(first[..=NONCE_LEN], second[..=NONCE_LEN]);
        // AES-GCM would show the difference of the two texts.
        let differences: Vec<u8> = first[13..45]
            .iter()
            .zip(&second[13..45])
            .map(|(a, b)| a ^ b)
            .collect();
        assert_ne!(differences, [1; 32]);
        assert_eq!(first, seal(&[0; 32]));
    }

    #[test]
    fn a_value_does_not_open_as_another_version() {
        let mut sealed = vault(1).seal(Purpose::Challenge, b"", b"x");
        for version in [0, 1, 3] {
            sealed[0] = version;
            assert_eq!(
                vault(1).open(Purpose::Challenge, b"", &sealed),
                Err(OpenError)
            );
        }
    }

    #[test]
    fn the_master_key_survives_its_text_form() {
        let key = MasterKey::of([7; 32]);
        let read = MasterKey::decode(&format!("{}\n", *key.encode())).unwrap();
        assert_eq!(*read.0, [7; 32]);
        assert!(MasterKey::decode("short").is_none());
    }

    #[test]
    fn a_dropped_master_key_is_wiped() {
        fn wiped_on_drop(key: MasterKey) -> impl ZeroizeOnDrop {
            key
        }
        drop(wiped_on_drop(MasterKey::of([7; 32])));
        assert!(std::mem::needs_drop::<MasterKey>());
        assert_eq!(
            size_of::<MasterKey>(),
            size_of::<usize>(),
            "it moves by its address"
        );
    }

    proptest! {
        #[test]
        fn nothing_altered_or_foreign_opens(flip in 0usize..64, garbage in proptest::collection::vec(0u8.., 0..64)) {
            let mut sealed = vault(1).seal(Purpose::Challenge, b"", b"thirty-five bytes of plain text....");
            let at = flip % sealed.len();
            sealed[at] ^= 1;
            prop_assert_eq!(vault(1).open(Purpose::Challenge, b"", &sealed), Err(OpenError));
            prop_assert_eq!(vault(1).open(Purpose::Challenge, b"", &garbage), Err(OpenError));
        }
    }
}
