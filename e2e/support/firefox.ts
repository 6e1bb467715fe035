import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Browser, Device } from './browser.ts';
import { Program } from './program.ts';
import { PROGRAMS } from './settings.ts';
import { WebDriverBidi } from './webDriverBidi.ts';

const START_LIMIT_MS = 60_000;
const LEFT_BUTTON = 0;

/** Stock Firefox over WebDriver BiDi, which it speaks without a driver of its own. */
class Firefox implements Browser {
  readonly #program: Program;
  readonly #profile: string;
  readonly #bidi: WebDriverBidi;

  constructor(program: Program, profile: string, bidi: WebDriverBidi) {
    this.#program = program;
    this.#profile = profile;
    this.#bidi = bidi;
  }

  async newDevice(): Promise<Device> {
    const { userContext } = await this.#bidi.send<{ userContext: string }>('browser.createUserContext', {});
    const page = { type: 'tab', userContext };
    const { context } = await this.#bidi.send<{ context: string }>('browsingContext.create', page);
    return new FirefoxDevice(this.#bidi, context);
  }

  async close(): Promise<void> {
    this.#bidi.close();
    await this.#program.end('SIGTERM');
    await rm(this.#profile, { recursive: true, force: true });
  }
}

class FirefoxDevice implements Device {
  readonly #bidi: WebDriverBidi;
  readonly #context: string;

  constructor(bidi: WebDriverBidi, context: string) {
    this.#bidi = bidi;
    this.#context = context;
  }

  async goto(url: string): Promise<void> {
    await this.#send('browsingContext.navigate', { url, wait: 'complete' });
  }

  async url(): Promise<string> {
    const { contexts } = await this.#bidi.send<{ contexts: { url: string }[] }>('browsingContext.getTree', {
      root: this.#context,
    });
    return contexts[0]?.url ?? '';
  }

  async click(selector: string): Promise<void> {
    const locator = { type: 'css', value: selector };
    const { nodes } = await this.#send<{ nodes: { sharedId: string }[] }>('browsingContext.locateNodes', { locator });
    const element = { sharedId: nodes[0]?.sharedId };
    const actions = [
      { type: 'pointerMove', x: 0, y: 0, origin: { type: 'element', element } },
      { type: 'pointerDown', button: LEFT_BUTTON },
      { type: 'pointerUp', button: LEFT_BUTTON },
    ];
    await this.#send('input.performActions', { actions: [{ type: 'pointer', id: 'mouse', actions }] });
  }

  async evaluate<Argument, Result>(
    script: (argument: Argument) => Result | Promise<Result>,
    argument?: Argument,
  ): Promise<Result> {
    const answer = await this.#bidi.send<Evaluation>('script.callFunction', {
      target: { context: this.#context },
      functionDeclaration: `async (json) => JSON.stringify(await (${script})(JSON.parse(json)))`,
      arguments: [{ type: 'string', value: JSON.stringify(argument ?? null) }],
      awaitPromise: true,
    });
    if (answer.type === 'exception') throw new Error(answer.exceptionDetails.text);
    return answer.result.value === undefined ? (undefined as Result) : (JSON.parse(answer.result.value) as Result);
  }

  #send<T>(method: string, parameters: object): Promise<T> {
    return this.#bidi.send<T>(method, { context: this.#context, ...parameters });
  }
}

/** WebDriver BiDi, `script.EvaluateResult`, of a script that gives a string or nothing. */
type Evaluation =
  | { type: 'success'; result: { value?: string } }
  | { type: 'exception'; exceptionDetails: { text: string } };

export async function launchFirefox(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'keymoor-firefox-'));
  const program = new Program(
    PROGRAMS.firefox,
    ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0'],
    // Firefox refuses a home directory that belongs to somebody else, as root's may under `sudo`.
    { env: { PATH: process.env['PATH'], HOME: profile }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const bidi = await WebDriverBidi.connect(`${await listening(program)}/session`);
  await bidi.send('session.new', { capabilities: {} });
  return new Firefox(program, profile, bidi);
}

/** Waits for the line in which Firefox says where it listens. */
async function listening({ child }: Program): Promise<string> {
  const stderr = child.stderr as Readable;
  for await (const line of createInterface({ input: stderr, signal: AbortSignal.timeout(START_LIMIT_MS) })) {
    const [, url] = /^WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? [];
    if (!url) continue;
    stderr.resume(); // Else it would block once the pipe is full.
    return url;
  }
  throw new Error('Firefox does not listen');
}
