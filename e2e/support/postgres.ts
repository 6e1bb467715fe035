import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from './net.ts';
import { Program } from './program.ts';
import { until } from './until.ts';

/** What survives a crash of the server alone has to reach the operating system, and no further. */
const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'synchronous_commit=on'];

/** A PostgreSQL of a test's own, which it may stop. */
export class Postgres implements AsyncDisposable {
  readonly url: string;
  readonly #directory: string;
  readonly #port: number;
  readonly #account: { uid?: number; gid?: number };
  #program: Program | undefined;

  private constructor(directory: string, port: number, account: { uid?: number; gid?: number }) {
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
    this.#directory = directory;
    this.#port = port;
    this.#account = account;
  }

  static async start(): Promise<Postgres> {
    const account = await otherThanRoot();
    const directory = await mkdtemp(join(tmpdir(), 'keymoor-e2e-postgres-'));
    if (account.uid !== undefined && account.gid !== undefined) await chown(directory, account.uid, account.gid);
    const postgres = new Postgres(directory, await freePort(), account);
    const options = ['--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'];
    const initdb = ['--pgdata', postgres.#data, ...options];
    await promisify(execFile)(program('initdb'), initdb, { cwd: directory, ...account });
    await postgres.serve();
    return postgres;
  }

  /** Starts it again, on the same port. */
  async serve(): Promise<void> {
    const settings = SETTINGS.flatMap((setting) => ['-c', setting]);
    this.#program = new Program(program('postgres'), ['-D', this.#data, '-p', `${this.#port}`, ...settings], {
      cwd: this.#directory,
      stdio: 'ignore',
      ...this.#account,
    });
    await until(() => this.#answers(), 'PostgreSQL');
  }

  /** @param how - `fast` hangs up on its clients; `immediate` is a crash, from which it recovers when it starts. */
  async stop(how: 'fast' | 'immediate'): Promise<void> {
    await this.#program?.end(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('immediate');
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  async #answers(): Promise<boolean> {
    const client = new Client({ connectionString: this.url });
    client.on('error', () => {}); // It may hang up at any time.
    const connected = client.connect().then(
      () => true,
      () => false,
    );
    if (await connected) await client.end();
    return connected;
  }
}

/** Where Debian keeps one directory per major version; elsewhere they are on the `PATH`. */
function program(name: string): string {
  const versions = '/usr/lib/postgresql';
  try {
    const newest = Math.max(...readdirSync(versions).map(Number));
    return join(versions, `${newest}`, 'bin', name);
  } catch {
    return name;
  }
}

/** PostgreSQL refuses root. */
async function otherThanRoot(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8')) ?? [];
  if (!uid || !gid) throw new Error('PostgreSQL does not run as root, and there is no account `postgres`');
  return { uid: Number(uid), gid: Number(gid) };
}
