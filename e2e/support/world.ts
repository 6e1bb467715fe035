import type { Browser } from 'playwright-core';
import { launchBrowser } from './browser.ts';
import type { DatabaseKind } from './databases.ts';
import { Management, type Realm } from './directory.ts';
import { Keymoor } from './keymoor.ts';
import { type Pages, type SdkName, servePages } from './pages.ts';
import { Smtp } from './smtp.ts';

/** A server, its mail server, a realm, a browser, and an application's pages on an origin of their own. */
export interface World extends AsyncDisposable {
  keymoor: Keymoor;
  smtp: Smtp;
  realm: Realm;
  browser: Browser;
  pages: Pages;
}

export async function startWorld(database: DatabaseKind, sdk: SdkName, script = ''): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const smtp = stack.use(await Smtp.start());
  const keymoor = stack.use(await Keymoor.start({ database, smtpUrl: smtp.url }));
  const realm = await (await Management.of(keymoor.init)).realm();
  const pages = stack.use(await servePages(sdk, script));
  const browser = stack.adopt(await launchBrowser(), (opened) => opened.close());
  const everything = stack.move();
  return { keymoor, smtp, realm, browser, pages, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}
