import type { Browser, Engine } from './browser.ts';
import type { DatabaseKind } from './databases.ts';
import { Management, type Realm } from './directory.ts';
import { Keymoor } from './keymoor.ts';
import { type Pages, type SdkName, servePages } from './pages.ts';
import { Smtp } from './smtp.ts';

/** A server, its mail server, a realm, a browser, and an application's pages on an origin of their own. */
export interface World<B extends Browser = Browser> extends AsyncDisposable {
  keymoor: Keymoor;
  smtp: Smtp;
  realm: Realm;
  browser: B;
  pages: Pages;
}

/** @param script - Source of a module that runs on every page of the application. */
export async function startWorld<B extends Browser>(
  database: DatabaseKind,
  engine: Engine<B>,
  sdk: SdkName,
  script = '',
): Promise<World<B>> {
  await using stack = new AsyncDisposableStack();
  const smtp = stack.use(await Smtp.start());
  const keymoor = stack.use(await Keymoor.start({ database, smtpUrl: smtp.url }));
  const realm = await (await Management.of(keymoor.init)).realm();
  const pages = stack.use(await servePages(sdk, script));
  const browser = stack.adopt(await engine.launch(), (opened) => opened.close());
  const everything = stack.move();
  return { keymoor, smtp, realm, browser, pages, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}
