import { execFile } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createDatabase, type Database, type DatabaseKind } from './databases.ts';
import { freePort } from './net.ts';
import { Program } from './program.ts';
import { KEYMOOR_BIN } from './settings.ts';

/** What `keymoor init --json` prints. */
export interface Init {
  auth_url: string;
  api_url: string;
  tenant_id: string;
  admin_realm_id: string;
  management: { application_id: string; client_id: string; client_secret: string; token_endpoint: string };
  admin_binding_link: string | null;
}

export interface Options {
  /** A fresh one of this kind, or this one. */
  database?: DatabaseKind | Database;
  smtpUrl?: string;
  /** Settings by the names of their variables, instead of those that tests otherwise have. */
  settings?: Record<string, string>;
  /** Further variables. */
  environment?: Record<string, string>;
  /** A program, with its arguments, that runs the server's command as its own last arguments. */
  within?: string[];
}

/** Limits out of the way, and no retry that a test would wait for long. */
const TEST_SETTINGS = {
  KEYMOOR_LINK_LIFETIME_MIN_SECONDS: '1',
  KEYMOOR_MAIL_ATTEMPTS: '4',
  KEYMOOR_MAIL_RETRY_SECONDS: '1',
  KEYMOOR_MAIL_TIMEOUT_SECONDS: '2',
  // As published. Tests with a clock of their own, and clients of the published API, rely on it.
  KEYMOOR_MANAGEMENT_TOKEN_SECONDS: '7776000',
  KEYMOOR_WRONG_CLIENT_SECRETS_PER_MINUTE: '100000',
  KEYMOOR_WRONG_LINK_TOKENS_PER_MINUTE: '100000',
  KEYMOOR_WRONG_PROOFS_PER_MINUTE: '100000',
};

const START_LIMIT_MS = 20_000;
const READINESS_POLL_MS = 5;

/** A server process with a database and a directory of its own, on ports that were free. */
export class Keymoor implements AsyncDisposable {
  readonly init: Init;
  readonly #directory: string;
  readonly #database: Database;
  readonly #environment: Record<string, string>;
  readonly #within: string[];
  #program: Program | undefined;

  private constructor(
    init: Init,
    directory: string,
    database: Database,
    environment: Record<string, string>,
    within: string[],
  ) {
    this.init = init;
    this.#directory = directory;
    this.#database = database;
    this.#environment = environment;
    this.#within = within;
  }

  /** Initialises a fresh database and serves it. */
  static async start(options: Options = {}): Promise<Keymoor> {
    const directory = await mkdtemp(join(tmpdir(), 'keymoor-e2e-'));
    const { database: wanted = 'sqlite', within = [] } = options;
    const database = typeof wanted === 'string' ? await createDatabase(wanted, directory) : wanted;
    const [auth, api] = await Promise.all([freePort(), freePort()]);
    const environment = {
      PATH: process.env['PATH'] ?? '',
      KEYMOOR_DATABASE_URL: database.url,
      KEYMOOR_LISTEN: `127.0.0.1:${auth},127.0.0.1:${api}`,
      KEYMOOR_AUTH_URL: `http://localhost:${auth}`,
      KEYMOOR_API_URL: `http://localhost:${api}`,
      KEYMOOR_MASTER_KEY_FILE: join(directory, 'master.key'),
      KEYMOOR_MAIL_FROM: 'Keymoor <keymoor@example.com>',
      ...(options.smtpUrl && { KEYMOOR_SMTP_URL: options.smtpUrl }),
      ...(options.settings ?? TEST_SETTINGS),
      ...options.environment,
    };
    const init = await run<Init>(within, environment, 'init', '--json');
    const keymoor = new Keymoor(init, directory, database, environment, within);
    await keymoor.serve();
    return keymoor;
  }

  /** Starts the process and returns, in milliseconds, how long it took until `/readyz` said 200. */
  async serve(): Promise<number> {
    const log = await open(this.#logFile, 'a');
    const started = performance.now();
    const [first, rest] = commandLine(this.#within, 'serve');
    const program = new Program(first, rest, { env: this.#environment, stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    this.#program = program;
    await this.#untilReady(program, started);
    return performance.now() - started;
  }

  /** As a crash would: nothing gets a chance to finish. */
  async kill(): Promise<void> {
    await this.#program?.end();
  }

  /** As an operator would. */
  async shutDown(): Promise<void> {
    const code = await this.#program?.end('SIGTERM');
    if (code !== 0) throw new Error(`the server ended with ${code} on SIGTERM\n${await this.log()}`);
  }

  /** Runs another subcommand with the same settings and reads the JSON it prints. */
  command<T>(...args: string[]): Promise<T> {
    return run<T>(this.#within, this.#environment, ...args);
  }

  /** The variables with the server's settings, for programs that run beside it. */
  get environment(): Record<string, string> {
    return { ...this.#environment };
  }

  async log(): Promise<string> {
    return readFile(this.#logFile, 'utf8').catch(() => '');
  }

  /** Resident memory in bytes (proc_pid_status(5), `VmRSS`). */
  async residentBytes(): Promise<number> {
    const status = await readFile(`/proc/${this.#program?.child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.end();
    await this.#database.drop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #logFile(): string {
    return join(this.#directory, 'keymoor.log');
  }

  async #untilReady(program: Program, started: number): Promise<void> {
    const url = `http://${this.#environment['KEYMOOR_LISTEN']?.split(',')[0]}/readyz`;
    for (;;) {
      const ready = await fetch(url).then(
        async (response) => [await response.text(), response.ok][1],
        () => false,
      );
      if (ready) return;
      if (program.hasEnded || performance.now() - started > START_LIMIT_MS) {
        throw new Error(`the server did not get ready\n${await this.log()}`);
      }
      await delay(READINESS_POLL_MS);
    }
  }
}

async function run<T>(within: string[], env: Record<string, string>, ...args: string[]): Promise<T> {
  const [first, rest] = commandLine(within, ...args);
  const { stdout } = await promisify(execFile)(first, rest, { env });
  return JSON.parse(stdout) as T;
}

function commandLine(within: string[], ...args: string[]): [first: string, rest: string[]] {
  const [first = KEYMOOR_BIN, ...rest] = [...within, KEYMOOR_BIN, ...args];
  return [first, rest];
}
