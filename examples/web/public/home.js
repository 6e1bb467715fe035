import { bind, button, byId, call, onClick, say, sayError, start, whileDisabled } from '/static/shared.js';

/** @typedef {{ id: string, created: string, inDevice: boolean }} AccountPasskey */

const { embedded, session } = await start();

if (session.account) await showAccount(session.account);
else await showWelcome();
if (session.mailUrl) {
  byId('mail').setAttribute('href', session.mailUrl);
  byId('mail').hidden = false;
}
if (new URLSearchParams(location.search).has('failed')) sayError('Signing in did not work. Try again.');

async function showWelcome() {
  onSubmit('join', async (fields) => {
    const { link } = await call('POST', '/api/accounts', fields);
    if (link) await bind(embedded, link);
    else say(`We have sent a link to ${fields['email']}. Open it on the device that shall hold your passkey.`);
  });
  onSubmit('link', async (fields) => {
    await call('POST', '/api/links', fields);
    say(`If ${fields['username']} is known here, a link is on its way.`);
  });
  await listLocalPasskeys();
  byId('signed-out').hidden = false;
}

/** @param {import('/static/shared.js').Account} account */
async function showAccount(account) {
  byId('name').textContent = account.name;
  byId('claims').replaceChildren(...Object.entries(account.claims).map(claim));
  onClick(byId('sign-out'), async () => {
    await call('POST', '/sign-out');
    location.assign('/');
  });
  onClick(byId('add'), async () => {
    const { link } = await call('POST', '/api/passkeys');
    await embedded.bindPasskey(link);
    await listAccountPasskeys();
    say('This device has a new passkey.');
  });
  await listAccountPasskeys();
  byId('signed-in').hidden = false;
  byId('sign-out').hidden = false;
}

/** What this browser holds, whoever it belongs to. Deleting here leaves the account as it is. */
async function listLocalPasskeys() {
  const items = (await embedded.getPasskeys()).map(({ id, identity, keyType }) =>
    item(
      identity.displayName ?? identity.username,
      `${identity.username}, ${place(keyType === 'webauthn')}`,
      button('Delete', async () => {
        await embedded.deletePasskey(id);
        await listLocalPasskeys();
        say('The passkey is gone from this browser.');
      }),
    ),
  );
  byId('local-passkeys').replaceChildren(...(items.length > 0 ? items : [note('None yet.')]));
}

/** What the account can be signed in to with, on all devices. */
async function listAccountPasskeys() {
  /** @type {AccountPasskey[]} */
  const passkeys = await call('GET', '/api/passkeys');
  const here = new Map((await embedded.getPasskeys()).map(({ id, passkeyId }) => [passkeyId, id]));
  const items = passkeys.map(({ id, created, inDevice }) =>
    item(
      here.has(id) ? 'On this device' : 'On another device',
      `${place(inDevice)}, since ${new Date(created).toLocaleDateString(undefined, { dateStyle: 'medium' })}`,
      button('Remove', async () => {
        await call('POST', '/api/passkeys/revoke', { id });
        await embedded.deletePasskey(here.get(id) ?? '');
        await listAccountPasskeys();
        say('That passkey can no longer sign in.');
      }),
    ),
  );
  byId('account-passkeys').replaceChildren(...(items.length > 0 ? items : [note('None. Add one before you sign out.')]));
}

/**
 * @param {string} id
 * @param {(fields: Record<string, string>) => Promise<void>} work
 */
function onSubmit(id, work) {
  const form = /** @type {HTMLFormElement} */ (byId(id));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = new FormData(form, event.submitter);
    const named = /** @type {Record<string, string>} */ (Object.fromEntries(fields));
    void whileDisabled([...form.querySelectorAll('button')], () => work(named));
  });
}

/** @param {boolean} inDevice */
function place(inDevice) {
  return inDevice ? 'in the device' : 'in the browser';
}

/**
 * @param {string} title
 * @param {string} details
 * @param {HTMLButtonElement} action
 */
function item(title, details, action) {
  const [element, text, strong, small] = [make('li'), make('div'), make('strong', title), make('span', details)];
  action.className = 'second';
  action.setAttribute('aria-label', `${action.textContent}: ${title}, ${details}`);
  text.append(strong, small);
  element.append(text, action);
  return element;
}

/** @param {string} text */
function note(text) {
  return make('li', text);
}

/** @param {[string, unknown]} entry */
function claim([name, value]) {
  const group = make('div');
  group.append(make('dt', name), make('dd', typeof value === 'string' ? value : JSON.stringify(value)));
  return group;
}

/**
 * @param {string} tag
 * @param {string} [text]
 */
function make(tag, text = '') {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
