import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import * as oidc from 'openid-client';

const { APP_URL, ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env;
const authentication = oidc.ClientSecretBasic(CLIENT_SECRET);
const execute = ISSUER.startsWith('http://localhost:') ? [oidc.allowInsecureRequests] : [];
const keymoor = await oidc.discovery(new URL(ISSUER), CLIENT_ID, {}, authentication, { execute });

const text = (response, status, body) =>
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(body);
const file = (name, type) => async (_, response) => {
  const body = await readFile(new URL(name, import.meta.url));
  response.writeHead(200, { 'Content-Type': type, 'Referrer-Policy': 'no-referrer' }).end(body);
};
const routes = {
  '/bind': file('bind.html', 'text/html'), // Keymoor appends /bind and /bi-authenticate
  '/bi-authenticate': file('sign-in.html', 'text/html'), // to the config's invoke_url
  '/sdk.js': file(import.meta.resolve('@keymoor/sdk'), 'text/javascript'),
  '/sign-in': async (_, response) => {
    const [state, verifier] = [oidc.randomState(), oidc.randomPKCECodeVerifier()];
    const code_challenge = await oidc.calculatePKCECodeChallenge(verifier);
    const client = { redirect_uri: `${APP_URL}/callback`, scope: 'openid profile' };
    const request = { ...client, state, code_challenge, code_challenge_method: 'S256' };
    const Location = oidc.buildAuthorizationUrl(keymoor, request).href;
    const cookie = `sign-in=${state}.${verifier}; HttpOnly; SameSite=Lax; Path=/callback`;
    response.writeHead(303, { Location, 'Set-Cookie': cookie }).end();
  },
  '/callback': async ({ headers, url }, response) => {
    const cookie = /sign-in=([^.]+)\.([^;]+)/.exec(headers.cookie) ?? [];
    const [, expectedState, pkceCodeVerifier] = cookie;
    const expected = { expectedState, pkceCodeVerifier, idTokenExpected: true };
    const tokens = await oidc.authorizationCodeGrant(keymoor, new URL(APP_URL + url), expected);
    text(response, 200, `Signed in as ${tokens.claims().name}`); // your session starts here
  },
};
createServer((request, response) => {
  const route = routes[request.url.split('?')[0]] ?? (async () => text(response, 404, 'Not found'));
  route(request, response).catch((error) => text(response, 400, `Failed: ${error.message}`));
}).listen(new URL(APP_URL).port, 'localhost', () => console.log(`Serving ${APP_URL}`));
