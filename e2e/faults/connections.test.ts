import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { request } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { until } from '../support/until.ts';

const IDLE = 1_000;
const SLOW = 200;
const REQUESTS = 50;
/** Well below the time that slow ones are given. */
const MAX_ANSWER_MS = 5_000;
const HEAD = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Padding: as slow as it gets\r\n\r\n';
const BETWEEN_BYTES_MS = 1_000;

const LIMITS = {
  'with a seat for each': {},
  'with fewer seats than connections': { KEYMOOR_CONNECTIONS: '100' },
};

for (const [name, limits] of Object.entries(LIMITS)) {
  describe(`${IDLE} idle and ${SLOW} slow connections ${name}`, () => {
    let keymoor: Keymoor;
    const sockets: Socket[] = [];
    after(async () => {
      for (const socket of sockets) socket.destroy();
      await keymoor?.[Symbol.asyncDispose]();
    });

    test('keep nobody else waiting, and are ended', async (t) => {
      keymoor = await Keymoor.start({ environment: { KEYMOOR_REQUEST_HEAD_SECONDS: '10', ...limits } });
      const { hostname, port } = new URL(keymoor.init.auth_url);
      for (let index = 0; index < IDLE + SLOW; index++) {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => {}); // Being cut off is what it is for.
        sockets.push(socket);
        await once(socket, 'connect');
        if (index >= IDLE) trickle(socket);
      }

      const times = await Promise.all(Array.from({ length: REQUESTS }, () => answerTime(keymoor)));
      const slowest = Math.max(...times);
      t.diagnostic(`slowest of ${REQUESTS} answers: ${slowest.toFixed(0)} ms`);
      assert(slowest < MAX_ANSWER_MS, `${slowest} ms`);
      await until(() => sockets.every(({ closed }) => closed), 'every connection that says nothing whole is ended');
    });
  });
}

/** Sends the head of a request by one byte a second; the server must not wait for its end. */
function trickle(socket: Socket): void {
  let sent = 0;
  const timer = setInterval(() => socket.write(HEAD[sent++] ?? ''), BETWEEN_BYTES_MS);
  socket.once('close', () => clearInterval(timer));
}

/** How long a request on a connection of its own takes that needs the database. */
async function answerTime({ init }: Keymoor): Promise<number> {
  const started = performance.now();
  const url = `${init.auth_url}/v1/tenants/${init.tenant_id}/realms/${init.admin_realm_id}/applications/${init.management.application_id}/.well-known/openid-configuration`;
  const { status } = await request('GET', url, { headers: { connection: 'close' } });
  assert.equal(status, 200);
  return performance.now() - started;
}
