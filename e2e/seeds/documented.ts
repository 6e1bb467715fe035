import type { Identity, NewCredentialBindingJob } from '@keymoor/api-client';
import type { Page } from 'playwright-core';
import type { Chromium } from '../support/chromium.ts';
import { type Realm, unique } from '../support/directory.ts';
import { type Answer, request } from '../support/http.ts';
import { openPage } from '../support/pages.ts';
import type { Mail, Smtp } from '../support/smtp.ts';
import type { World } from '../support/world.ts';

/** What the documents' placeholders stand for here. */
export interface Documented {
  realm: Realm;
  identity: Identity;
  ids: { tenant_id: string; realm_id: string; identity_id: string };
  configId: string;
  invokeUrl: string;
  /** `${apiUrl().toString()}v1/tenants/…/realms/…` as a printed template makes it. */
  printedBase: string;
  /** The application's page, on a device with an authenticator. */
  device: Page;
  /** The same on a device without one. */
  bareDevice(): Promise<Page>;
  jobs(): string;
  link(more?: Partial<NewCredentialBindingJob>): Promise<string>;
  newUsername(): string;
  nextMail(): Promise<Mail>;
  /** As `curl -X POST -H 'Content-Type: application/json' -d …`. */
  curl(url: string, body: object): Promise<Answer>;
  /** As `fetch` with a string body and only an `Authorization` header, which makes the content type `text/plain`. */
  fetch(url: string, body: object): Promise<Response>;
}

/** A fresh identity, and a fresh device on the application's page. */
export async function document({ realm, smtp, pages, browser }: World<Chromium>): Promise<Documented> {
  const address = `${unique('ada')}@example.com`;
  const [identity, configId] = await Promise.all([realm.identity(address), realm.config(pages.origin)]);
  const { init, token } = realm.management;
  const base = `v1/tenants/${init.tenant_id}/realms/${realm.id}`;
  const authorization = { Authorization: `Bearer ${token}` };
  return {
    realm,
    identity,
    ids: { tenant_id: init.tenant_id, realm_id: realm.id, identity_id: identity.id },
    configId,
    invokeUrl: pages.origin,
    printedBase: `${new URL(init.api_url).toString()}${base}`,
    device: await applicationPage(browser, pages.origin, true),
    bareDevice: () => applicationPage(browser, pages.origin, false),
    jobs: () => `${init.api_url}/${base}/identities/${identity.id}/credential-binding-jobs`,
    link: async (more) => (await realm.link(configId, identity.id, more)).url,
    newUsername: () => unique('user'),
    nextMail: () => nextMail(smtp, address),
    curl: (url, body) =>
      request('POST', url, {
        headers: { ...authorization, 'Content-Type': 'application/json' },
        body: JSON.stringify(body, null, '\t'),
      }),
    fetch: (url, body) => fetch(url, { method: 'POST', headers: authorization, body: JSON.stringify(body) }),
  };
}

async function applicationPage(browser: Chromium, origin: string, authenticator: boolean): Promise<Page> {
  const page = await browser.newDevice({ authenticator });
  await openPage(page, `${origin}/`);
  return page;
}

/** The next mail with a link; notices of added passkeys have none. */
async function nextMail(smtp: Smtp, address: string): Promise<Mail> {
  for (let count = 1; ; count++) {
    const mail = await smtp.wait(address, count);
    if (mail.link) return mail;
  }
}
