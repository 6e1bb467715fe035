import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Management } from '../support/directory.ts';
import { expectStatus, ok } from '../support/http.ts';
import { Keymoor } from '../support/keymoor.ts';
import { LONG } from '../support/settings.ts';
import { SignIns } from '../support/signIn.ts';
import { bindSoftwareKey, type SoftwareKey } from '../support/softwareKey.ts';
import { until } from '../support/until.ts';

const CONNECTIONS = LONG ? 4_096 : 256;
const MIB = 1_024 * 1_024;
const MAX_MIB = 256;
/** A network of its own, since all of loopback may be used. */
const HOSTILE = '127.0.1.2';
const SIGN_INS = 3;
const SECONDS = 5;

/** The largest body that is read, but for its last byte. */
const BODY = 'x'.repeat(64 * 1024 - 1);
const ONE_BYTE_CHUNKS = '1\r\nx\r\n'.repeat(20_000);
const LONGEST_HEAD = 'x'.repeat(15_000);
const STREAMS = 100;

type Attack = (path: string) => { bytes: Buffer; reads: boolean };

const ATTACKS: Record<string, Attack> = {
  'bodies without an end': (path) => plain(`POST ${path}/token HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n${BODY}`),
  'chunks of one byte': (path) => plain(`POST ${path}/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${ONE_BYTE_CHUNKS}`),
  'bodies that nobody asked for': () => plain(`GET /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n${BODY}`),
  'heads without an end': () => plain(`GET / HTTP/1.1\r\nHost: a\r\nX-Padding: ${LONGEST_HEAD}`),
  'a hundred unfinished bodies on each connection': (path) => ({
    bytes: Buffer.concat([preface(65_535), ...streams((id) => [headers(id, 0x83, `${path}/token`, false), data(id, 400)])]),
    reads: true,
  }),
  'a hundred answers on each connection that nobody reads': (path) => ({
    bytes: Buffer.concat([preface(0), ...streams((id) => [headers(id, 0x82, `${path}/.well-known/openid-configuration`, true)])]),
    reads: false,
  }),
};

for (const [name, attack] of Object.entries(ATTACKS)) {
  describe(`${CONNECTIONS} connections with ${name}`, () => {
    let keymoor: Keymoor;
    const sockets: Socket[] = [];
    after(async () => {
      for (const socket of sockets) socket.destroy();
      await keymoor?.[Symbol.asyncDispose]();
    });

    test('use little memory, and others sign in', async (t) => {
      keymoor = await Keymoor.start();
      const realm = await (await Management.of(keymoor.init)).realm();
      const configId = await realm.config('https://app.example');
      const signIns = new SignIns(realm, await realm.application(configId, 'https://app.example/callback'));
      const { id } = await realm.identity();
      const { key } = await bindSoftwareKey(await realm.link(configId, id));
      const before = (await keymoor.residentBytes()) / MIB;

      const { bytes, reads } = attack(new URL(signIns.issuer).pathname);
      const { port } = new URL(keymoor.init.auth_url);
      for (let index = 0; index < CONNECTIONS; index++) {
        const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: HOSTILE });
        socket.on('error', () => {}); // Being cut off is what it is for.
        sockets.push(socket);
        await once(socket, 'connect');
        if (reads) socket.resume();
        socket.write(bytes);
      }

      let most = before;
      let signedIn = 0;
      for (let second = 0; second < SECONDS; second++) {
        if (signedIn < SIGN_INS && (await signsIn(signIns, key, id))) signedIn++;
        most = Math.max(most, (await keymoor.residentBytes()) / MIB);
        await delay(1_000);
      }
      await until(async () => signedIn > 0 || (await signsIn(signIns, key, id)), 'somebody signs in');
      t.diagnostic(`resident memory: ${before.toFixed(0)} MiB before, at most ${most.toFixed(0)} MiB`);
      assert(most < MAX_MIB, `${most} MiB`);
    });
  });
}

/** Whether a sign-in succeeds. A server whose processors are busy may ask to retry. */
async function signsIn(signIns: SignIns, key: SoftwareKey, id: string): Promise<boolean> {
  const started = await signIns.start();
  const proved = await signIns.prove(started, key, id);
  if (proved.status === 503) return false;
  const { code } = ok<{ code: string }>(proved);
  const redeemed = await signIns.redeem(started, code);
  if (redeemed.status !== 503) expectStatus(redeemed, 200);
  return redeemed.status === 200;
}

function plain(text: string): { bytes: Buffer; reads: boolean } {
  return { bytes: Buffer.from(text), reads: true };
}

/** The start of an HTTP/2 connection whose streams may be sent `window` bytes each (RFC 9113, section 3.4). */
function preface(window: number): Buffer {
  const setting = Buffer.alloc(6);
  setting.writeUInt16BE(4, 0); // SETTINGS_INITIAL_WINDOW_SIZE
  setting.writeUInt32BE(window, 2);
  return Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(4, 0, 0, setting)]);
}

function streams(make: (id: number) => Buffer[]): Buffer[] {
  return Array.from({ length: STREAMS }, (_, index) => make(2 * index + 1)).flat();
}

function headers(id: number, method: number, path: string, isEnd: boolean): Buffer {
  // Static entries, and literals without Huffman code (RFC 7541, section 6).
  const literal = (name: number, value: string) => {
    const length = value.length < 127 ? [value.length] : [127, ...varint(value.length - 127)];
    return Buffer.concat([Buffer.from([name, ...length]), Buffer.from(value)]);
  };
  const block = Buffer.concat([Buffer.from([method, 0x86]), literal(0x01, 'localhost'), literal(0x04, path)]);
  return frame(1, isEnd ? 0x5 : 0x4, id, block);
}

function varint(rest: number): number[] {
  return rest < 128 ? [rest] : [(rest % 128) | 128, ...varint(Math.floor(rest / 128))];
}

function data(id: number, length: number): Buffer {
  return frame(0, 0, id, Buffer.alloc(length, 'x'));
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}
