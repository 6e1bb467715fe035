import { type Bytes, fromBase64Url } from './encoding.ts';
import { KeymoorError, type KeymoorErrorCode } from './keymoorError.ts';

/** Reads a JSON object member by member, and says which one isn't as the protocol has it. */
export class Fields {
  readonly #value: Record<string, unknown>;
  readonly #path: string;
  readonly #code: KeymoorErrorCode;

  constructor(value: unknown, path: string, code: KeymoorErrorCode) {
    this.#path = path;
    this.#code = code;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#mismatch('an object');
    this.#value = value as Record<string, unknown>;
  }

  has(name: string): boolean {
    return this.#value[name] != null;
  }

  object(name: string): Fields {
    return new Fields(this.#value[name], `${this.#path}.${name}`, this.#code);
  }

  string(name: string): string {
    const value = this.#value[name];
    if (typeof value !== 'string') throw this.#mismatch('a string', name);
    return value;
  }

  optionalString(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined;
  }

  /** Reads base64url. */
  bytes(name: string): Bytes {
    try {
      return fromBase64Url(this.string(name));
    } catch {
      throw this.#mismatch('base64url', name);
    }
  }

  number(name: string): number {
    const value = this.#value[name];
    if (typeof value !== 'number') throw this.#mismatch('a number', name);
    return value;
  }

  objects(name: string): Fields[] {
    const value = this.#value[name];
    if (!Array.isArray(value)) throw this.#mismatch('a list', name);
    return value.map((item, index) => new Fields(item, `${this.#path}.${name}[${index}]`, this.#code));
  }

  raw(): Record<string, unknown> {
    return this.#value;
  }

  #mismatch(expected: string, name?: string): KeymoorError {
    return new KeymoorError(this.#code, `${this.#path}${name ? `.${name}` : ''} isn't ${expected}`);
  }
}
