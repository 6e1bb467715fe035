import { type BindPasskeyResponse, type Config, type Embedded, KeymoorError, type KeymoorErrorCode } from '@keymoor/sdk';

/** What happened and what to do. The reader can't fix the codes that are not listed. */
const PROBLEMS: Partial<Record<KeymoorErrorCode, string>> = {
  cancelled: 'No passkey was created. Try again when you are ready.',
  link_complete: 'This link has already been used. If you didn’t use it, contact the administrator of this server.',
  link_expired: 'This link has expired. Ask for a new one.',
  link_not_found: 'This link doesn’t work: it is incomplete, or this server didn’t create it. Ask for a new one.',
  link_revoked: 'This link was revoked. Ask for a new one.',
  network: 'The server didn’t respond. Check your connection and try again.',
  rate_limited: 'There were too many attempts. Wait a minute and try again.',
  storage: 'This browser doesn’t let pages store data. Leave private browsing and open the link again.',
  unsupported: 'This browser or device doesn’t support passkeys. Open the link in another one.',
  untrusted_origin: 'Passkeys can’t be created at this address. Open the link from your email or terminal again.',
  user_suspended: 'This account is suspended. Contact the administrator of this server.',
};
const UNKNOWN_PROBLEM = 'Something went wrong, and no passkey was created. Try again in a moment.';
/** Retrying with the same link can't succeed after these. */
const FINAL = ['link_complete', 'link_expired', 'link_not_found', 'link_revoked', 'user_suspended'];

/** The part of the SDK that the page uses. */
export type Binder = Pick<Embedded, 'bindPasskey' | 'isBindPasskeyUrl'>;

/**
 * Lets the button of `page` bind a passkey with the link in the page's URL, and shows the outcome.
 *
 * @param initialize - Initializes the SDK: `Embedded.initialize`.
 */
export async function offerPasskey(page: Document, initialize: (config: Config) => Promise<Binder>): Promise<void> {
  const { location } = page;
  const button = element(page, 'create') as HTMLButtonElement;
  const outcome = new Outcome(page);
  try {
    const authHost = page.querySelector('main')?.dataset['authHost'] ?? location.host;
    const binder = await initialize({ allowedDomains: [location.host, authHost] });
    if (!binder.isBindPasskeyUrl(location.href)) throw new KeymoorError('link_not_found', 'not a binding link');
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

/** The message below the page's introduction. */
class Outcome {
  readonly #page: Document;

  constructor(page: Document) {
    this.#page = page;
  }

  clear(): void {
    this.#show('');
  }

  failed(error: unknown): void {
    const code = error instanceof KeymoorError ? error.code : undefined;
    this.#show((code && PROBLEMS[code]) ?? UNKNOWN_PROBLEM);
    element(this.#page, 'create').hidden = code !== undefined && FINAL.includes(code);
  }

  succeeded({ postBindingRedirectUri }: BindPasskeyResponse): void {
    element(this.#page, 'create').hidden = true;
    element(this.#page, 'what').hidden = true;
    const console = this.#page.querySelector('main')?.dataset['console'];
    // The console signs in with the passkey that this browser has now.
    const uri = postBindingRedirectUri ?? (console === undefined ? undefined : `${this.#page.location.origin}${console}/sign-in`);
    if (!uri) return this.#show('Your passkey is ready. You can close this page.');
    const next = new URL(uri);
    if (next.origin === this.#page.location.origin) return this.#page.location.assign(next);
    this.#show('Your passkey is ready.');
    this.#offerToContinue(next);
  }

  /** Shows the link's destination, because the page doesn't navigate to another origin unasked. */
  #offerToContinue(next: URL): void {
    const paragraph = element(this.#page, 'continue');
    const link = paragraph.firstElementChild as HTMLAnchorElement;
    link.href = next.href;
    link.textContent = `Continue to ${next.host || next.protocol}`;
    paragraph.hidden = false;
  }

  #show(words: string): void {
    element(this.#page, 'outcome').textContent = words;
  }
}

function element(page: Document, id: string): HTMLElement {
  const found = page.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}
