use crate::SoftwareKey;

/// What an attestation certificate says (WebAuthn Level 3 section 8.2.1). The default meets the
/// requirements; a test changes what it wants refused. It is signed by its own key.
#[derive(Clone, Debug)]
pub struct AttestationCertificate {
    /// X.509 version; 3 is required.
    pub version: u8,
    /// Subject country.
    pub country: String,
    /// Subject organization: the authenticator's vendor.
    pub organization: String,
    /// Subject organizational unit.
    pub organizational_unit: String,
    /// Subject common name.
    pub common_name: String,
    /// The CA flag of the basic constraints.
    pub is_ca: bool,
    /// The AAGUID extension (OID 1.3.6.1.4.1.45724.1.1.4), absent if `None`.
    pub aaguid: Option<[u8; 16]>,
}

impl Default for AttestationCertificate {
    fn default() -> Self {
        Self {
            version: 3,
            country: "NO".to_owned(),
            organization: "Keymoor".to_owned(),
            organizational_unit: "Authenticator Attestation".to_owned(),
            common_name: "Keymoor testkit".to_owned(),
            is_ca: false,
            aaguid: None,
        }
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AAGUID: &[u8] = &[
    0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04,
];

impl AttestationCertificate {
    /// The certificate for `key` in DER.
    #[must_use]
    pub fn der(&self, key: &SoftwareKey) -> Vec<u8> {
        let algorithm = tlv(SEQUENCE, &tlv(OID, ECDSA_WITH_SHA256));
        let name = self.name();
        let to_be_signed = sequence(&[
            tlv(0xa0, &tlv(INTEGER, &[self.version - 1])),
            tlv(INTEGER, &[1]),
            algorithm.clone(),
            name.clone(),
            sequence(&[
                tlv(UTC_TIME, b"200101000000Z"),
                tlv(UTC_TIME, b"490101000000Z"),
            ]),
            name,
            sequence(&[
                sequence(&[tlv(OID, EC_PUBLIC_KEY), tlv(OID, P256)]),
                bit_string(key.point()),
            ]),
            tlv(0xa3, &sequence(&self.extensions())),
        ]);
        let signature = bit_string(&key.sign_der(&to_be_signed));
        sequence(&[to_be_signed, algorithm, signature])
    }

    fn name(&self) -> Vec<u8> {
        let attribute = |arc: u8, tag: u8, value: &str| {
            let pair = sequence(&[tlv(OID, &[0x55, 0x04, arc]), tlv(tag, value.as_bytes())]);
            tlv(SET, &pair)
        };
        sequence(&[
            attribute(6, PRINTABLE_STRING, &self.country),
            attribute(10, UTF8_STRING, &self.organization),
            attribute(11, UTF8_STRING, &self.organizational_unit),
            attribute(3, UTF8_STRING, &self.common_name),
        ])
    }

    fn extensions(&self) -> Vec<Vec<u8>> {
        let is_ca: &[u8] = if self.is_ca { &[0x01, 0x01, 0xff] } else { &[] };
        let constraints = tlv(OCTET_STRING, &tlv(SEQUENCE, is_ca));
        let aaguid = self.aaguid.map(|aaguid| {
            let value = tlv(OCTET_STRING, &tlv(OCTET_STRING, &aaguid));
            sequence(&[tlv(OID, AAGUID), value])
        });
        [sequence(&[tlv(OID, BASIC_CONSTRAINTS), constraints])]
            .into_iter()
            .chain(aaguid)
            .collect()
    }
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a test certificate is small");
    let [high, low] = length.to_be_bytes();
    let header: &[u8] = match length {
        0..0x80 => &[tag, low],
        0x80..0x100 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [header, content].concat()
}
