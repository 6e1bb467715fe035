import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Management, type Realm } from '../support/directory.ts';
import { ok, refused } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { bindSoftwareKey, getInfo } from '../support/softwareKey.ts';

const WRONG_TOKENS_PER_MINUTE = 30;

describe('limits as they are by default', () => {
  let keymoor: Keymoor;
  let realm: Realm;
  before(async () => {
    keymoor = await Keymoor.start({ settings: {} });
    realm = await (await Management.of(keymoor.init)).realm();
  });
  after(() => keymoor?.[Symbol.asyncDispose]());

  test('a4_whoever_guesses_tokens_has_to_wait_and_the_right_one_still_works', async () => {
    const config = await realm.config('https://app.example');
    const link = await realm.link(config, (await realm.identity()).id);
    const guess = () => getInfo({ ...link, token: 'guessed' });
    for (let guesses = 0; guesses < WRONG_TOKENS_PER_MINUTE; guesses++) refused(await guess(), 404);
    const answer = await guess();
    refused(answer, 429);
    assert(Number(answer.headers.get('retry-after')) > 0);
    ok((await bindSoftwareKey(link)).answer);
  });
});
