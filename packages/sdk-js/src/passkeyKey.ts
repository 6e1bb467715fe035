/** A private key as this browser keeps it: the key itself, or the name by which the authenticator knows it. */
export type PasskeyKey =
  | { type: 'subtle'; privateKey: CryptoKey }
  | { type: 'webauthn'; credentialId: ArrayBuffer; transports?: string[] };

/** A key that was just made, with the proof that binds it. */
export interface NewKey {
  key: PasskeyKey;
  /** RFC 7638 thumbprint of a P-256 public key; empty for a key of another kind. */
  kid: string;
  proof: { type: 'JWT' | 'WEBAUTHN' | 'FIDO2'; raw: string };
}

/** What a proof at binding says: whose key it is to be, and by which link. */
export interface BindingClaims {
  sub: string;
  token: string;
}

/** The name of an identity in proofs. The parts are not escaped; the server compares the whole. */
export const distinguishedName = (tenantId: string, realmId: string, identityId: string): string =>
  `CN=${identityId}, OU=${realmId}, O=${tenantId}`;

/** What a proof at sign-in says. Times are seconds since 1970. */
export interface SignInClaims {
  iss: string;
  sub: string;
  aud: string[];
  iat: number;
  exp: number;
  nbf: number;
  jti: string;
  bi_tid: string;
  bi_non: string;
  bi_prf: string;
  bi_pol_ver: string;
  flow_type: string;
}

/** A signed proof, as the server tells the kinds apart. */
export type SignInProof = { Jwt: string } | { WebAuthn: string } | { Fido2: string };
