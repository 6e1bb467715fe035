import { Embedded, KeymoorError } from '/assets/sdk.js';

// What happened, and what to do. Codes that are not listed are nobody's fault who reads this page.
const PROBLEMS = {
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
// After these, another try with the same link can't succeed.
const FINAL = ['link_complete', 'link_expired', 'link_not_found', 'link_revoked', 'user_suspended'];

const element = (id) => document.getElementById(id);
const button = element('create');

const tell = (words) => {
  element('outcome').textContent = words;
};

const fail = (error) => {
  const code = error instanceof KeymoorError ? error.code : 'unknown';
  tell(PROBLEMS[code] ?? UNKNOWN_PROBLEM);
  button.hidden = FINAL.includes(code);
};

const succeed = ({ postBindingRedirectUri }) => {
  button.hidden = true;
  element('what').hidden = true;
  if (!postBindingRedirectUri) return tell('Your passkey is ready. You can close this page.');
  const next = new URL(postBindingRedirectUri);
  if (next.origin === location.origin) return location.assign(next);
  tell('Your passkey is ready.');
  const link = element('continue').firstElementChild;
  link.href = next;
  link.textContent = `Continue to ${next.host || next.protocol}`;
  element('continue').hidden = false;
};

try {
  const embedded = await Embedded.initialize({
    allowedDomains: [location.host, document.querySelector('main').dataset.authHost],
  });
  if (embedded.isBindPasskeyUrl(location.href)) {
    button.addEventListener('click', async () => {
      button.disabled = true;
      tell('');
      try {
        succeed(await embedded.bindPasskey(location.href));
      } catch (error) {
        fail(error);
      }
      button.disabled = false;
    });
    button.disabled = false;
  } else {
    tell(PROBLEMS.link_not_found);
    button.hidden = true;
  }
} catch (error) {
  fail(error);
}
