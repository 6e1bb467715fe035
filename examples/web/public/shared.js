import { Embedded, KeymoorError } from '/static/keymoor-sdk.js';

/** @typedef {{ id: string, name: string, claims: Record<string, unknown> }} Account */
/** @typedef {{ keymoorHost: string, mailUrl?: string, account: Account | null }} Session */

/**
 * What every page begins with.
 *
 * @returns {Promise<{ embedded: Embedded, session: Session }>}
 */
export async function start() {
  const session = await call('GET', '/api/session');
  // Only this host is ever called: a forged link leads nowhere.
  const embedded = await Embedded.initialize({ allowedDomains: [session.keymoorHost] });
  return { embedded, session };
}

/**
 * Calls our own server.
 *
 * @param {'GET' | 'POST'} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<any>}
 */
export async function call(method, path, body) {
  const response = await fetch(path, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/**
 * Makes a passkey here from a link, and goes where the server's job says.
 *
 * @param {Embedded} embedded
 * @param {string} link
 */
export async function bind(embedded, link) {
  const { postBindingRedirectUri } = await embedded.bindPasskey(link);
  location.assign(postBindingRedirectUri ?? '/');
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} text */
export function say(text) {
  byId('status').textContent = text;
  byId('status').className = '';
}

/** @param {unknown} error */
export function sayError(error) {
  say(words(error));
  byId('status').className = 'error';
}

/**
 * Runs `work` on each click; the button waits meanwhile and failures are told.
 *
 * @param {HTMLElement} button
 * @param {() => Promise<void>} work
 */
export function onClick(button, work) {
  button.addEventListener('click', () => void whileDisabled([/** @type {HTMLButtonElement} */ (button)], work));
}

/**
 * @param {HTMLButtonElement[]} buttons
 * @param {() => Promise<void>} work
 */
export async function whileDisabled(buttons, work) {
  for (const button of buttons) button.disabled = true;
  try {
    await work();
  } catch (error) {
    sayError(error);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/**
 * @param {string} text
 * @param {() => Promise<void>} work
 */
export function button(text, work) {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  onClick(element, work);
  return element;
}

/** @type {Partial<Record<KeymoorError['code'], string>>} */
const WORDS = {
  cancelled: 'Your device asked for you, and you said no or did not answer. Try again when you like.',
  link_not_found: 'This link does not work. Open the whole link from your mail again, or ask for a new one.',
  link_complete: 'This link was already used. If that was you, sign in. If not, tell us.',
  link_expired: 'This link has expired. Ask for a new one on the start page.',
  link_revoked: 'This link was withdrawn. Ask for a new one on the start page.',
  user_suspended: 'This account is suspended.',
  passkey_exists: 'Your device already holds a passkey of this account. Sign in with it.',
  passkey_not_found: 'This browser has no such passkey. Ask for a link to add one.',
  policy_denied: 'This passkey may not sign in any more.',
  invalid_request: 'This sign-in is too old or was not genuine. Start again.',
  network: 'The sign-in server did not answer. Check your connection and try again.',
  storage: 'This browser does not let us keep a passkey. Private windows often do not.',
  unsupported: 'This browser or device cannot hold a passkey for us.',
};

/** @param {unknown} error */
function words(error) {
  if (error instanceof KeymoorError) return WORDS[error.code] ?? `Something is not set up right (${error.code}).`;
  return error instanceof Error ? error.message : String(error);
}
