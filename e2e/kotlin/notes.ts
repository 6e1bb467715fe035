import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `cargo xtask ci e2e` has Maven build. */
const JAR = fileURLToPath(new URL('../../examples/kotlin/target/notes.jar', import.meta.url));

interface Run {
  status: number;
  output: string;
  errors: string;
}

/** `examples/kotlin` on a device of its own. */
export class Notes implements AsyncDisposable {
  readonly home: string;
  readonly #server: string;

  private constructor(home: string, server: string) {
    this.home = home;
    this.#server = server;
  }

  /** @param server - The host that it may call. */
  static async on(server: string): Promise<Notes> {
    return new Notes(await mkdtemp(join(tmpdir(), 'keymoor-e2e-notes-')), server);
  }

  /** Runs one command, and returns what it printed. */
  async run(...args: string[]): Promise<string> {
    const { status, output, errors } = await this.#run(args);
    assert.equal(status, 0, errors);
    return output;
  }

  /** Runs a command that must fail, and returns the code of its error. */
  async fails(...args: string[]): Promise<string> {
    const { status, errors } = await this.#run(args);
    assert.equal(status, 1, errors);
    for (const arg of args.slice(1)) {
      const secret = arg.split('?')[1];
      if (secret) assert.equal(errors.includes(secret), false, 'an error has no secrets');
    }
    return errors.split(':')[0] ?? '';
  }

  /** Binds a passkey and returns its local id. */
  async bind(link: string): Promise<string> {
    const [, id] = /^bound ([0-9a-f]{64}) /m.exec(await this.run('bind', link)) ?? [];
    assert(id);
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }

  #run(args: string[]): Promise<Run> {
    const env = {
      PATH: process.env['PATH'] ?? '',
      NOTES_HOME: this.home,
      NOTES_PASSWORD: 'password of the test',
      NOTES_SERVER: this.#server,
    };
    return new Promise((resolve, reject) => {
      execFile('java', ['-jar', JAR, ...args], { env }, (error, output, errors) => {
        const status = error ? error.code : 0;
        if (typeof status === 'number') resolve({ status, output, errors });
        else reject(error);
      });
    });
  }
}
