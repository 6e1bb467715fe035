import { after, before, describe, test } from 'node:test';
import { CHROMIUM } from '../support/browser.ts';
import type { Chromium } from '../support/chromium.ts';
import { DATABASES } from '../support/databases.ts';
import { startWorld, type World } from '../support/world.ts';
import { document } from './documented.ts';
import { ADD_A_PASSKEY, BIND_PASSKEY_REFERENCE, BINDING_CONCEPT, CREATE_PASSKEYS_HOW_TO } from './printed.ts';

// The fifth document, "Bind passkey to user", prints nothing to run: it tells the two methods in prose.
const DOCUMENTS = {
  'Add a passkey': ADD_A_PASSKEY,
  'How to create passkeys': CREATE_PASSKEYS_HOW_TO,
  'bindPasskey reference': BIND_PASSKEY_REFERENCE,
  'How passkeys are created': BINDING_CONCEPT,
};

for (const database of DATABASES) {
  describe(`everything printed works on ${database}`, () => {
    let world: World<Chromium>;
    before(async () => {
      world = await startWorld(database, CHROMIUM, '@keymoor/sdk');
    });
    after(() => world?.[Symbol.asyncDispose]());

    for (const [title, printed] of Object.entries(DOCUMENTS)) {
      describe(title, () => {
        for (const { heading, run } of printed) {
          test(heading, async () => {
            await run(await document(world));
            await world.browser.closeDevices();
          });
        }
      });
    }
  });
}
