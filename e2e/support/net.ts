import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

// Below Linux's ephemeral ports (`ip_local_port_range`, 32768 and up). A port from that range may become the
// source port of any outgoing connection before the program that should listen there has started.
const FIRST_PORT = 20_000;
const AFTER_LAST_PORT = 32_000;
const ATTEMPTS = 100;

// Servers under test listen on 127.0.0.1. Whoever listens on the same port of this address has claimed it.
const CLAIMS = '127.0.0.53';

/** Claims a port of 127.0.0.1 on which nothing listens. No other test process gets it while this one lives. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST_PORT, AFTER_LAST_PORT);
    const claim = await listen(port, CLAIMS);
    if (claim === undefined) continue;
    claim.unref();
    const trial = await listen(port, '127.0.0.1');
    if (trial !== undefined) {
      trial.close();
      await once(trial, 'close');
      return port;
    }
    claim.close();
  }
  throw new Error(`no free port among ${ATTEMPTS} from ${FIRST_PORT} to ${AFTER_LAST_PORT - 1}`);
}

async function listen(port: number, host: string): Promise<Server | undefined> {
  const server = createServer().listen(port, host);
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  );
}
