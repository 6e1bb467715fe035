import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Program } from './program.ts';

/** Most of it at once, the rest by pages, as which memory is given out. */
const BALLAST_BYTES = [1 << 20, 4_096];

/** A disk in memory that only this process and the programs that run `within` it see, and that ends with it. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  /** Runs a program where the disk is: put before its name. */
  readonly within: string[];
  readonly #holder: Program;
  /** The disk's directory as this process reaches it, which lives outside. */
  readonly #outside: string;

  private constructor(path: string, holder: Program) {
    const target = `--target=${holder.child.pid}`;
    this.path = path;
    this.within = ['nsenter', target, '--mount', ...(isRoot() ? [] : ['--user', '--preserve-credentials'])];
    this.#holder = holder;
    this.#outside = `/proc/${holder.child.pid}/root${path}`;
  }

  static async mount(megabytes: number): Promise<SmallDisk> {
    const path = await mkdtemp(join(tmpdir(), 'keymoor-e2e-disk-'));
    const script = 'mount -t tmpfs -o "size=$0m" tmpfs "$1" && echo mounted && exec sleep infinity';
    const namespaces = ['--mount', ...(isRoot() ? [] : ['--user', '--map-root-user'])];
    const holder = new Program('unshare', [...namespaces, 'sh', '-c', script, `${megabytes}`, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [first] = (await Promise.race([
      once(holder.child.stdout as Readable, 'data'),
      once(holder.child, 'exit'),
    ])) as [unknown];
    if (!Buffer.isBuffer(first)) throw new Error('this user may not mount a disk in memory, not even in a namespace');
    return new SmallDisk(path, holder);
  }

  /** Leaves no room at all. */
  fill(): void {
    const ballast = openSync(this.#ballast, 'a');
    for (const bytes of BALLAST_BYTES) untilFull(() => void writeSync(ballast, Buffer.alloc(bytes)));
    closeSync(ballast);
  }

  async makeRoom(): Promise<void> {
    await rm(this.#ballast);
  }

  /** Where a file of the disk is for this process. */
  outside(name: string): string {
    return join(this.#outside, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder.end();
    await rm(this.path, { recursive: true, force: true });
  }

  get #ballast(): string {
    return this.outside('ballast');
  }
}

function untilFull(write: () => void): void {
  try {
    for (;;) write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
