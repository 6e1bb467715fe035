import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What `create` answers. */
export type CreatedCredential = Record<string, unknown> & { response: Record<string, unknown> };

const USER_PRESENT_AND_VERIFIED = 0b101;
const HAS_KEY = 0b100_0000;

/** A platform authenticator in a browser: makes ES256 keys and signs as WebAuthn Level 3 section 6 says. */
export class FakeAuthenticator {
  available = false;
  /** What the next ceremonies reject with. */
  failure: Error | undefined;
  /** Changes what `create` answers, as a password manager may that stands in for the authenticator. */
  distort: (credential: CreatedCredential) => void = () => {};
  forgotten: { rpId: string; credentialId: string }[] = [];
  creations: PublicKeyCredentialCreationOptions[] = [];
  requests: PublicKeyCredentialRequestOptions[] = [];
  /** Resolves when the person picks a passkey among a field's suggestions. */
  pick: Promise<void> = Promise.resolve();
  readonly #keys = new Map<string, { key: KeyObject; userHandle: ArrayBuffer }>();
  readonly #page: () => URL;

  constructor(page: () => URL) {
    this.#page = page;
  }

  async create({ publicKey: options }: CredentialCreationOptions): Promise<unknown> {
    if (!options) throw new TypeError('no options');
    this.creations.push(options);
    if (this.failure) throw this.failure;
    const isHeld = ({ id }: { id: BufferSource }) => this.#keys.has(Buffer.from(id as Uint8Array).toString('hex'));
    if (options.excludeCredentials?.some(isHeld)) throw new DOMException('known', 'InvalidStateError');
    const id = randomBytes(17);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const userHandle = copy(Buffer.from(options.user.id as Uint8Array));
    for (const [known, key] of this.#keys) {
      if (Buffer.from(key.userHandle).equals(Buffer.from(userHandle))) this.#keys.delete(known);
    }
    this.#keys.set(id.toString('hex'), { key: privateKey, userHandle });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const credential = {
      rawId: copy(id),
      type: 'public-key',
      getClientExtensionResults: () => ({}),
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge),
        attestationObject: copy(attestationObject(this.#authenticatorData(options.rp.id, attested(id, publicKey)))),
        getPublicKey: () => copy(spki),
        getPublicKeyAlgorithm: () => -7,
        getAuthenticatorData: () => copy(this.#authenticatorData(options.rp.id, attested(id, publicKey))),
        getTransports: () => ['internal', 'hybrid'],
      },
    };
    this.distort(credential as unknown as CreatedCredential);
    return credential;
  }

  /** How many keys it holds. */
  get size(): number {
    return this.#keys.size;
  }

  /** Is told that nobody knows a key. */
  forget(signal: { rpId: string; credentialId: string }): void {
    this.forgotten.push(signal);
    this.#keys.delete(Buffer.from(signal.credentialId, 'base64url').toString('hex'));
  }

  async get({ publicKey: options, mediation, signal }: CredentialRequestOptions): Promise<unknown> {
    if (!options) throw new TypeError('no options');
    this.requests.push(options);
    if (this.failure) throw this.failure;
    if (mediation === 'conditional') await Promise.race([this.pick, aborted(signal)]);
    const [allowed] = options.allowCredentials ?? [];
    const found = allowed ? Buffer.from(allowed.id as Uint8Array).toString('hex') : this.#keys.keys().next().value;
    const { key, userHandle } = this.#keys.get(found ?? '') ?? {};
    if (!key) throw new DOMException('no such key', 'NotAllowedError');
    const id = Buffer.from(found ?? '', 'hex');
    const clientDataJSON = this.#clientData('webauthn.get', options.challenge);
    const authenticatorData = this.#authenticatorData(options.rpId ?? this.#page().hostname);
    const clientDataHash = createHash('sha256').update(new Uint8Array(clientDataJSON)).digest();
    return {
      rawId: copy(id),
      type: 'public-key',
      response: {
        clientDataJSON,
        authenticatorData: copy(authenticatorData),
        signature: copy(sign('sha256', Buffer.concat([authenticatorData, clientDataHash]), key)),
        userHandle: allowed ? null : userHandle,
      },
    };
  }

  #clientData(type: string, challenge: BufferSource): ArrayBuffer {
    const text = Buffer.from(challenge as Uint8Array<ArrayBuffer>).toString('base64url');
    return copy(Buffer.from(JSON.stringify({ type, challenge: text, origin: this.#page().origin, extra: 'ignored' })));
  }

  #authenticatorData(rpId: string | undefined, attestedKey?: Buffer): Buffer {
    const rpIdHash = createHash('sha256').update(rpId ?? '').digest();
    const flags = USER_PRESENT_AND_VERIFIED | (attestedKey ? HAS_KEY : 0);
    return Buffer.concat([rpIdHash, Buffer.from([flags, 0, 0, 0, 0]), attestedKey ?? Buffer.of()]);
  }
}

/** Attested credential data (WebAuthn Level 3 section 6.5.1). */
function attested(id: Buffer, key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const aaguid = Buffer.alloc(16);
  const coordinates = [x, y].map((text) => Buffer.from(text, 'base64url')) as [Buffer, Buffer];
  // {1: 2, 3: -7, -1: 1, -2: x, -3: y}
  const cose = ['a5010203262001215820', coordinates[0], '225820', coordinates[1]];
  return Buffer.concat([aaguid, Buffer.of(0, id.length), id, ...cose.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part))]);
}

/** `{"fmt": "none", "attStmt": {}, "authData": …}` in CBOR. */
export function attestationObject(authData: Buffer): Buffer {
  const before = Buffer.from('a363666d74646e6f6e656761747453746d74a0686175746844617461', 'hex');
  return Buffer.concat([before, Buffer.of(0x58, authData.length), authData]);
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

/** An `ArrayBuffer` of its own, as browsers hand them out. */
function copy(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
