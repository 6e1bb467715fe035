import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { clientCredentials, createClient } from '@keymoor/api-client';
import { Accounts } from './accounts.ts';
import { provision } from './provision.ts';
import { routes } from './routes.ts';
import { Sessions } from './sessions.ts';
import { SignIn } from './signIn.ts';
import { type Handler, Refusal, sendJson, setSecurityHeaders, staticFile, staticFiles } from './web.ts';

/** What `keymoor init --json` prints, as far as an application needs it. */
interface KeymoorSettings {
  auth_url: string;
  api_url: string;
  tenant_id: string;
  management: { client_id: string; client_secret: string; token_endpoint: string };
}

const { INIT_JSON, MAIL_URL, PORT = '8025' } = process.env;
if (!INIT_JSON) throw new Error('set INIT_JSON to a file with the output of `keymoor init --json`');
const origin = process.env['APP_URL'] ?? `http://localhost:${PORT}`;

const keymoor = JSON.parse(await readFile(INIT_JSON, 'utf8')) as KeymoorSettings;
const api = createClient({
  baseUrl: keymoor.api_url,
  tenantId: keymoor.tenant_id,
  token: clientCredentials({
    tokenEndpoint: keymoor.management.token_endpoint,
    clientId: keymoor.management.client_id,
    clientSecret: keymoor.management.client_secret,
  }),
});
const provisioned = await provision(api, `${keymoor.auth_url}/v1/tenants/${keymoor.tenant_id}`, origin);

const services = {
  // Binding leads on to signing in, so that a new account is one step from being used.
  accounts: new Accounts(api, provisioned, `${origin}/sign-in`),
  sessions: new Sessions(origin),
  signIn: await SignIn.discover(provisioned, origin),
  settings: { keymoorHost: new URL(keymoor.auth_url).host, mailUrl: MAIL_URL },
};
const handlers = new Map<string, Handler>(Object.entries(routes(services)));
const files = await staticFiles(new URL('public/', import.meta.url));
for (const [name, handler] of files) handlers.set(`GET /static/${name}`, handler);
// The first of these paths is ours; the other two are what Keymoor appends to the invoke URL.
for (const [path, name] of [['/', 'home.html'], ['/bind', 'bind.html'], ['/bi-authenticate', 'sign-in.html']] as const) {
  handlers.set(`GET ${path}`, files.get(name) as Handler);
}
handlers.set('GET /static/keymoor-sdk.js', await staticFile(new URL(import.meta.resolve('@keymoor/sdk'))));

createServer((request, response) => void handle(request, response)).listen(Number(PORT), 'localhost', () => {
  console.log(`Saltmarsh Library is open at ${origin}`);
});

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  setSecurityHeaders(response, keymoor.auth_url);
  const url = URL.parse(origin + request.url) ?? new URL(origin);
  try {
    const handler = handlers.get(`${request.method} ${url.pathname}`);
    if (!handler) throw new Refusal(404, 'There is no such page.');
    if (request.method !== 'GET') refuseOtherSites(request);
    await handler({ request, response, url });
  } catch (error) {
    const known = error instanceof Refusal;
    // The path only: queries hold secrets.
    if (!known) console.error(`${request.method} ${url.pathname}:`, error);
    sendJson(response, known ? error.status : 500, { error: known ? error.message : 'Something went wrong. Try again.' });
  }
}

/** Cookies come along with requests that other sites make, too. */
function refuseOtherSites(request: IncomingMessage): void {
  if (request.headers['sec-fetch-site'] !== 'same-origin') throw new Refusal(403, 'That came from another site.');
}
