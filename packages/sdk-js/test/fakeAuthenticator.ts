import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

const USER_PRESENT_AND_VERIFIED = 0b101;

/** A platform authenticator in a browser: makes ES256 keys and signs as WebAuthn Level 3 section 6 says. */
export class FakeAuthenticator {
  available = false;
  /** What the next ceremonies reject with. */
  failure: Error | undefined;
  forgotten: { rpId: string; credentialId: string }[] = [];
  creations: PublicKeyCredentialCreationOptions[] = [];
  requests: PublicKeyCredentialRequestOptions[] = [];
  readonly #keys = new Map<string, KeyObject>();
  readonly #page: () => URL;

  constructor(page: () => URL) {
    this.#page = page;
  }

  async create({ publicKey: options }: CredentialCreationOptions): Promise<unknown> {
    if (!options) throw new TypeError('no options');
    this.creations.push(options);
    if (this.failure) throw this.failure;
    const id = randomBytes(17);
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#keys.set(id.toString('hex'), privateKey);
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return {
      rawId: copy(id),
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge),
        // Not CBOR: the SDK hands it on unread, and the stand-in server reads it back.
        attestationObject: copy(Buffer.concat([this.#authenticatorData(options.rp.id), spki])),
        getPublicKey: () => copy(spki),
      },
    };
  }

  async get({ publicKey: options }: CredentialRequestOptions): Promise<unknown> {
    if (!options) throw new TypeError('no options');
    this.requests.push(options);
    if (this.failure) throw this.failure;
    const [allowed] = options.allowCredentials ?? [];
    const id = Buffer.from(new Uint8Array(allowed?.id as ArrayBuffer));
    const key = this.#keys.get(id.toString('hex'));
    if (!key) throw new DOMException('no such key', 'NotAllowedError');
    const clientDataJSON = this.#clientData('webauthn.get', options.challenge);
    const authenticatorData = this.#authenticatorData(options.rpId);
    const clientDataHash = createHash('sha256').update(new Uint8Array(clientDataJSON)).digest();
    return {
      rawId: copy(id),
      response: {
        clientDataJSON,
        authenticatorData: copy(authenticatorData),
        signature: copy(sign('sha256', Buffer.concat([authenticatorData, clientDataHash]), key)),
      },
    };
  }

  #clientData(type: string, challenge: BufferSource): ArrayBuffer {
    const text = Buffer.from(challenge as Uint8Array<ArrayBuffer>).toString('base64url');
    return copy(Buffer.from(JSON.stringify({ type, challenge: text, origin: this.#page().origin, extra: 'ignored' })));
  }

  #authenticatorData(rpId: string | undefined): Buffer {
    const rpIdHash = createHash('sha256').update(rpId ?? '').digest();
    return Buffer.concat([rpIdHash, Buffer.from([USER_PRESENT_AND_VERIFIED, 0, 0, 0, 0])]);
  }
}

/** An `ArrayBuffer` of its own, as browsers hand them out. */
function copy(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
