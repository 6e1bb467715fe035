import { type BindPasskeyResponse, type Config, type Embedded, KeymoorError, type KeymoorErrorCode } from '@keymoor/sdk';

/** What happened, and what to do. Codes that are not listed are nobody's fault who reads this page. */
const PROBLEMS: Partial<Record<KeymoorErrorCode, string>> = {
  cancelled: 'No passkey was created. Try again when you are ready.',
  link_complete: 'This link was already used. If that was not you, tell whoever runs this server.',
  link_expired: 'This link has expired. Ask for a new one.',
  link_not_found: 'This link does not work: it is incomplete, or it was never made here. Ask for a new one.',
  link_revoked: 'This link was withdrawn. Ask for a new one.',
  network: 'The server did not answer. Check your connection and try again.',
  rate_limited: 'There were too many attempts. Wait a minute and try again.',
  storage: 'This browser does not let pages store anything. Leave private browsing and open the link again.',
  unsupported: 'This browser or device can’t hold a passkey. Open the link in another one.',
  untrusted_origin: 'Passkeys can’t be created at this address. Open the link from your mail or terminal again.',
  user_suspended: 'This account is suspended. Contact whoever runs this server.',
};
const UNKNOWN_PROBLEM = 'Something went wrong, and no passkey was created. Try again in a moment.';
/** After these, another try with the same link can't succeed. */
const FINAL = ['link_complete', 'link_expired', 'link_not_found', 'link_revoked', 'user_suspended'];

/** What the page uses of the SDK. */
export type Binder = Pick<Embedded, 'bindPasskey' | 'isBindPasskeyUrl'>;

/**
 * Lets the button of `page` bind a passkey with the link at which the page was opened, and shows the outcome.
 *
 * @param initialize - Makes the SDK ready: `Embedded.initialize`.
 */
export async function offerPasskey(page: Document, initialize: (config: Config) => Promise<Binder>): Promise<void> {
  const { location } = page;
  const button = element(page, 'create') as HTMLButtonElement;
  const outcome = new Outcome(page);
  try {
    const authHost = page.querySelector('main')?.dataset['authHost'] ?? location.host;
    const binder = await initialize({ allowedDomains: [location.host, authHost] });
    if (!binder.isBindPasskeyUrl(location.href)) throw new KeymoorError('link_not_found', 'this is no binding link');
    button.addEventListener('click', async () => {
      button.disabled = true;
      outcome.clear();
      try {
        outcome.succeeded(await binder.bindPasskey(location.href));
      } catch (error) {
        outcome.failed(error);
      }
      button.disabled = false;
    });
    button.disabled = false;
  } catch (error) {
    outcome.failed(error);
  }
}

/** What the page says below its explanation. */
class Outcome {
  readonly #page: Document;

  constructor(page: Document) {
    this.#page = page;
  }

  clear(): void {
    this.#tell('');
  }

  failed(error: unknown): void {
    const code = error instanceof KeymoorError ? error.code : undefined;
    this.#tell((code && PROBLEMS[code]) ?? UNKNOWN_PROBLEM);
    element(this.#page, 'create').hidden = code !== undefined && FINAL.includes(code);
  }

  succeeded({ postBindingRedirectUri }: BindPasskeyResponse): void {
    element(this.#page, 'create').hidden = true;
    element(this.#page, 'what').hidden = true;
    if (!postBindingRedirectUri) return this.#tell('Your passkey is ready. You can close this page.');
    const next = new URL(postBindingRedirectUri);
    if (next.origin === this.#page.location.origin) return this.#page.location.assign(next);
    this.#tell('Your passkey is ready.');
    this.#offerToContinue(next);
  }

  /** Names where the link leads, because the person is not taken there unasked. */
  #offerToContinue(next: URL): void {
    const paragraph = element(this.#page, 'continue');
    const link = paragraph.firstElementChild as HTMLAnchorElement;
    link.href = next.href;
    link.textContent = `Continue to ${next.host || next.protocol}`;
    paragraph.hidden = false;
  }

  #tell(words: string): void {
    element(this.#page, 'outcome').textContent = words;
  }
}

function element(page: Document, id: string): HTMLElement {
  const found = page.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}
