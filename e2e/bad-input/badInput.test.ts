import { after, before, describe, test } from 'node:test';
import { DATABASES } from '../support/databases.ts';
import { type Attacked, startAttacked } from './attacked.ts';
import { LINKS } from './links.ts';
import { MANAGEMENT } from './management.ts';
import { PROOFS } from './proofs.ts';
import { SIGN_INS } from './signIns.ts';

const GROUPS = { links: LINKS, proofs: PROOFS, 'sign-ins': SIGN_INS, management: MANAGEMENT };

for (const database of DATABASES) {
  describe(`bad input on ${database}`, () => {
    let attacked: Attacked;
    before(async () => {
      attacked = await startAttacked(database);
    });
    after(() => attacked?.[Symbol.asyncDispose]());

    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(group, () => {
        for (const { name, run } of cases) test(name, () => run(attacked));
      });
    }
  });
}
