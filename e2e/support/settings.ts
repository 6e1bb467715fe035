import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The server under test: `KEYMOOR_TEST_BIN`, else what `cargo build --release` makes. */
export const KEYMOOR_BIN =
  process.env['KEYMOOR_TEST_BIN'] ?? fileURLToPath(new URL('../../target/release/keymoor', import.meta.url));

/** Where Debian puts the programs that tests start, unless the environment says otherwise. */
export const PROGRAMS = {
  chromium: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  firefox: process.env['FIREFOX'] ?? '/usr/bin/firefox-esr',
  webKitDriver: process.env['WEBKIT_DRIVER'] ?? '/usr/bin/WebKitWebDriver',
  xvfb: process.env['XVFB'] ?? '/usr/bin/Xvfb',
  faketime: process.env['FAKETIME_PROGRAM'] ?? '/usr/bin/faketime',
};

/** A directory that programs in the folder of another system reach by the same path. */
export const DEV = fileURLToPath(new URL('../../.dev', import.meta.url));

/** How to run examples/swift/passkeys: a program with its first arguments, as a JSON list. */
export function swiftPasskeys(): string[] {
  const program = process.env['KEYMOOR_TEST_SWIFT_PASSKEYS'];
  if (!program) throw new Error('set KEYMOOR_TEST_SWIFT_PASSKEYS to a JSON list, such as ["…/release/passkeys"]');
  return JSON.parse(program);
}

/** Whether to run the long form of a test that has one. */
export const LONG = Boolean(process.env['KEYMOOR_TEST_LONG']);

/** The database server in which tests make databases of their own. A test that skips itself proves nothing. */
export function postgresUrl(): string {
  const url = process.env['KEYMOOR_TEST_POSTGRES_URL'];
  if (!url) throw new Error('set KEYMOOR_TEST_POSTGRES_URL to a PostgreSQL whose user may create databases');
  return url;
}

if (!existsSync(KEYMOOR_BIN)) throw new Error(`there is no ${KEYMOOR_BIN}: build it, or set KEYMOOR_TEST_BIN`);
