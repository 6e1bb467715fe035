import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type BindPasskeyResponse, type Config, KeymoorError, type KeymoorErrorCode } from '@keymoor/sdk';
import { type Binder, offerPasskey } from './bindPage.ts';

const PAGE = new URL('https://auth.example.org:8021/console/bind?token=secret');

/** The page's elements, as far as its script uses them. */
class FakeElement extends EventTarget {
  hidden = false;
  disabled = true;
  textContent = '';
  href = '';
  dataset: Record<string, string> = {};
  firstElementChild?: FakeElement;
}

let elements: Record<'continue' | 'create' | 'main' | 'outcome' | 'what', FakeElement>;
let visited: string[];
let page: Document;
beforeEach(() => {
  elements = {
    continue: Object.assign(new FakeElement(), { hidden: true, firstElementChild: new FakeElement() }),
    create: new FakeElement(),
    main: Object.assign(new FakeElement(), { dataset: { authHost: 'api.example.org' } }),
    outcome: new FakeElement(),
    what: new FakeElement(),
  };
  visited = [];
  page = {
    location: {
      href: PAGE.href,
      host: PAGE.host,
      origin: PAGE.origin,
      assign: (url: URL) => visited.push(url.href),
    },
    getElementById: (id: keyof typeof elements) => elements[id],
    querySelector: (selector: keyof typeof elements) => elements[selector],
  } as unknown as Document;
});

/** A fake SDK. Each attempt consumes one of `outcomes`. */
class FakeBinder implements Binder {
  readonly bound: string[] = [];
  readonly #outcomes: (Partial<BindPasskeyResponse> | KeymoorErrorCode)[];

  constructor(...outcomes: (Partial<BindPasskeyResponse> | KeymoorErrorCode)[]) {
    this.#outcomes = outcomes;
  }

  isBindPasskeyUrl(url: string): boolean {
    return url.includes('token=');
  }

  async bindPasskey(url: string): Promise<BindPasskeyResponse> {
    this.bound.push(url);
    const outcome = this.#outcomes.shift();
    if (typeof outcome === 'string') throw new KeymoorError(outcome, 'refused');
    return outcome as BindPasskeyResponse;
  }
}

async function press(): Promise<void> {
  elements.create.dispatchEvent(new Event('click'));
  // The fake SDK resolves at once, so the press has been handled by then.
  await setImmediate();
}

test('a9_a_passkey_is_bound_only_when_the_button_is_pressed', async () => {
  const binder = new FakeBinder({});
  await offerPasskey(page, async () => binder);
  await setImmediate();
  assert.deepEqual(binder.bound, []);
  assert.equal(elements.create.disabled, false);
  await press();
  assert.deepEqual(binder.bound, [PAGE.href]);
  assert.match(elements.outcome.textContent, /^Your passkey is ready/);
  assert.deepEqual([elements.create.hidden, elements.what.hidden, elements.continue.hidden], [true, true, true]);
});

test('only_this_host_and_that_of_sign_in_are_called', async () => {
  const configs: Config[] = [];
  await offerPasskey(page, async (config) => {
    configs.push(config);
    return new FakeBinder();
  });
  assert.deepEqual(configs, [{ allowedDomains: ['auth.example.org:8021', 'api.example.org'] }]);
});

test('d5_a_redirect_to_this_origin_is_followed', async () => {
  const next = `${PAGE.origin}/console`;
  await offerPasskey(page, async () => new FakeBinder({ postBindingRedirectUri: next }));
  await press();
  assert.deepEqual(visited, [next]);
});

test('g1_without_a_redirect_the_console_signs_in_with_the_new_passkey', async () => {
  elements.main.dataset['console'] = '/console';
  await offerPasskey(page, async () => new FakeBinder({}));
  await press();
  assert.deepEqual(visited, [`${PAGE.origin}/console/sign-in`]);
});

for (const [next, name] of [
  ['https://app.example.org:8443/welcome', 'app.example.org:8443'],
  ['myapp:/welcome', 'myapp:'],
] as const) {
  test(`d5_a_redirect_to_${name}_is_a_link_that_says_so`, async () => {
    await offerPasskey(page, async () => new FakeBinder({ postBindingRedirectUri: next }));
    await press();
    assert.deepEqual(visited, []);
    assert.equal(elements.continue.hidden, false);
    assert.equal(elements.continue.firstElementChild?.href, next);
    assert.equal(elements.continue.firstElementChild?.textContent, `Continue to ${name}`);
  });
}

test('after_a_failure_that_may_pass_the_button_can_be_pressed_again', async () => {
  const binder = new FakeBinder('cancelled', 'server', {});
  await offerPasskey(page, async () => binder);
  await press();
  assert.match(elements.outcome.textContent, /^No passkey was created/);
  assert.deepEqual([elements.create.hidden, elements.create.disabled], [false, false]);
  await press();
  assert.match(elements.outcome.textContent, /^Something went wrong/);
  await press();
  assert.match(elements.outcome.textContent, /^Your passkey is ready/);
  assert.equal(binder.bound.length, 3);
});

test('after_a_failure_that_lasts_there_is_no_button', async () => {
  await offerPasskey(page, async () => new FakeBinder('link_expired'));
  await press();
  assert.match(elements.outcome.textContent, /expired/);
  assert.equal(elements.create.hidden, true);
});

test('a_page_without_a_link_says_so_and_has_no_button', async () => {
  page.location.href = `${PAGE.origin}/console/bind`;
  await offerPasskey(page, async () => new FakeBinder());
  assert.match(elements.outcome.textContent, /^This link doesn’t work/);
  assert.equal(elements.create.hidden, true);
});

test('a_browser_that_holds_no_passkeys_is_told_at_once', async () => {
  await offerPasskey(page, () => Promise.reject(new KeymoorError('unsupported', 'no WebAuthn')));
  assert.match(elements.outcome.textContent, /doesn’t support passkeys/);
  assert.equal(elements.create.disabled, true);
});
