import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Application } from '@keymoor/api-client';
import { CHROMIUM } from '../support/browser.ts';
import { Keymoor } from '../support/keymoor.ts';
import { freePort } from '../support/net.ts';
import { Program } from '../support/program.ts';
import { KEYMOOR_BIN } from '../support/settings.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const README = await readFile(join(ROOT, 'README.md'), 'utf8');
const FILES = ['examples/minimal/server.js', 'examples/minimal/bind.html', 'examples/minimal/sign-in.html'];
const SCRIPT = block(README, 'bash', '### 1. Create what your application needs');
const PATH = [dirname(KEYMOOR_BIN), dirname(process.execPath), process.env['PATH']].join(':');

for (const path of FILES) {
  test(`the README shows ${path} as it is`, async () => {
    assert.equal(fileInReadme(path), await readFile(join(ROOT, path), 'utf8'));
  });
}

test("the guide to the first passkey quotes the README's script", async () => {
  const guide = await readFile(join(ROOT, 'docs/guides/first-passkey.md'), 'utf8');
  const quotes = [...guide.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, code = '']) => code);
  assert.ok(quotes.length > 0);
  for (const quote of quotes) assert.ok(SCRIPT.includes(quote), `the script has:\n${quote}`);
});

test('the README leads from an empty server to a signed-in user', async () => {
  await using keymoor = await Keymoor.start();
  await using directory = await temporaryDirectory();
  const app = `localhost:${await freePort()}`;
  // The README uses Keymoor's default port, and a common one for the application. Both may be taken here.
  const onPortsOfThisTest = (text: string) =>
    text.replaceAll('localhost:8021', new URL(keymoor.init.auth_url).host).replaceAll('localhost:3000', app);
  for (const path of FILES) {
    await mkdir(dirname(join(directory.path, path)), { recursive: true });
    await writeFile(join(directory.path, path), onPortsOfThisTest(fileInReadme(path)));
  }
  await symlink(join(ROOT, 'node_modules'), join(directory.path, 'node_modules'));
  const options = { cwd: directory.path, env: { ...keymoor.environment, PATH } };

  const howTo = await readFile(join(ROOT, 'docs/howto/limit-a-management-client.md'), 'utf8');
  const script = onPortsOfThisTest(SCRIPT) + block(howTo, 'bash', '## Create a client with fewer scopes');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], options);
  const [link = '', limitedClient = ''] = stdout.split('\n');
  assert.match(link, /^http:\/\/localhost:\d+\/v1\/.*:invokeAuthenticator\?token=/);
  await assertLimited(keymoor, JSON.parse(limitedClient) as Application);

  const start = block(README, 'sh', '### 3. Create the passkey and sign in');
  await using server = new Program('bash', ['-c', `exec ${start}`], { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  const [firstLine] = await Promise.race([once(server.child.stdout!, 'data'), once(server.child, 'exit')]);
  assert.equal(String(firstLine), `Serving http://${app}\n`);

  const browser = await CHROMIUM.launch();
  try {
    const owner = await browser.newDevice({ authenticator: true });
    await owner.goto(link);
    await owner.getByRole('button', { name: 'Create passkey' }).click();
    await owner.getByText('Signed in as Ada', { exact: true }).waitFor();
    await owner.goto(`http://${app}/sign-in`);
    await owner.getByText('Signed in as Ada', { exact: true }).waitFor();
    assert.equal(new URL(owner.url()).pathname, '/callback');

    const stranger = await browser.newDevice();
    await stranger.goto(`http://${app}/sign-in`);
    await stranger.getByText('You are not signed in: ').waitFor();
    assert.equal((await stranger.goto(link))?.status(), 409);
  } finally {
    await browser.close();
  }
});

/** Gets a token for the client, which creates identities and reads nothing. */
async function assertLimited(keymoor: Keymoor, client: Application): Promise<void> {
  const { api_url, auth_url, tenant_id, admin_realm_id } = keymoor.init;
  const { client_id, client_secret } = client.protocol_config;
  const issuer = `${auth_url}/v1/tenants/${tenant_id}/realms/${admin_realm_id}/applications/${client.id}`;
  const granted = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  const { access_token, expires_in, scope } = (await granted.json()) as Record<string, unknown>;
  assert.equal(expires_in, 3_600);
  assert.equal(scope, 'credential-binding-jobs:create identities:create');
  const headers = { authorization: `Bearer ${access_token}` };
  assert.equal((await fetch(`${api_url}/v1/tenants/${tenant_id}/realms`, { headers })).status, 403);
}

/** The code that the README shows as the file of that path. */
function fileInReadme(path: string): string {
  return block(README, '\\w+', `\`${path}\``);
}

/** The first code block in that language after `text`. */
function block(document: string, language: string, text: string): string {
  const [, ...after] = document.split(text);
  const [, code] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(after.join(text)) ?? [];
  assert.ok(code, `there is ${language} code after ${text}`);
  return code;
}

async function temporaryDirectory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'keymoor-readme-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
