import { button, byId, say, sayError, start } from '/static/shared.js';

const { embedded } = await start();

if (embedded.isAuthenticateUrl(location.href)) await choose();
else sayError('This page answers a sign-in that was begun on the start page.');

async function choose() {
  const passkeys = await embedded.getPasskeys();
  const [only] = passkeys;
  const choices = passkeys.map(({ id, identity }) => {
    const choice = document.createElement('li');
    choice.append(button(`Continue as ${identity.displayName ?? identity.username}`, () => signIn(id)));
    return choice;
  });
  byId('choices').replaceChildren(...choices);
  if (!only) return sayError('This browser holds no passkey of yours. Get a library card, or have a link sent to you.');
  if (passkeys.length > 1) return say('Whose passkey do you want to use?');
  say('One moment…');
  await signIn(only.id).catch(sayError);
}

/** @param {string} id */
async function signIn(id) {
  const { redirectUrl } = await embedded.authenticate(location.href, id);
  location.replace(redirectUrl);
}
