import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROGRAMS } from './settings.ts';

/** The wall clock of programs that are given its environment; how they measure time passing stays real. */
export class FakeClock implements AsyncDisposable {
  readonly environment: Record<string, string>;
  readonly #directory: string;

  private constructor(directory: string, environment: Record<string, string>) {
    this.#directory = directory;
    this.environment = environment;
  }

  /** One that is right. */
  static async start(): Promise<FakeClock> {
    const { stdout: library } = await promisify(execFile)(PROGRAMS.faketime, ['-f', '+0d', 'printenv', 'LD_PRELOAD']);
    const directory = await mkdtemp(join(tmpdir(), 'keymoor-e2e-clock-'));
    const clock = new FakeClock(directory, {
      LD_PRELOAD: library.trim(),
      FAKETIME_TIMESTAMP_FILE: join(directory, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
    await clock.set(0);
    return clock;
  }

  /** @param offset - From the right time, in seconds. */
  async set(offset: number): Promise<void> {
    const next = join(this.#directory, 'next');
    await writeFile(next, `${offset < 0 ? '' : '+'}${offset}s\n`);
    // Replaced at once: nobody reads half of it.
    await rename(next, join(this.#directory, 'offset'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}
