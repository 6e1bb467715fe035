import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Browser, Device } from './browser.ts';
import { freePort } from './net.ts';
import { Program } from './program.ts';
import { PROGRAMS } from './settings.ts';
import { until } from './until.ts';

const COMMAND_LIMIT_MS = 60_000;
/** The key of an element's reference (WebDriver, section "Elements"). */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** WebKitGTK's own small browser over classic WebDriver, on a display that nobody sees: it has no headless mode. */
class WebKit implements Browser {
  readonly #display: Program;
  readonly #home: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #devices: WebKitDevice[] = [];

  constructor(display: Program, number: string, home: string) {
    this.#display = display;
    this.#home = home;
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: home,
      DISPLAY: `:${number}`,
      // No desktop is running whose services it could ask.
      NO_AT_BRIDGE: '1',
      GSETTINGS_BACKEND: 'memory',
    };
  }

  /** A driver has one session and a session one storage, so each device is a browser. */
  async newDevice(): Promise<Device> {
    const device = await WebKitDevice.start(this.#environment);
    this.#devices.push(device);
    return device;
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.close()));
    await this.#display.end('SIGTERM');
    await rm(this.#home, { recursive: true, force: true });
  }
}

class WebKitDevice implements Device {
  readonly #driver: Program;
  readonly #session: string;

  private constructor(driver: Program, session: string) {
    this.#driver = driver;
    this.#session = session;
  }

  static async start(env: NodeJS.ProcessEnv): Promise<WebKitDevice> {
    const port = await freePort();
    const driver = new Program(PROGRAMS.webKitDriver, ['--host=127.0.0.1', `--port=${port}`], { env, stdio: 'ignore' });
    const root = `http://127.0.0.1:${port}`;
    await until(() => command('GET', `${root}/status`).then(() => true, () => driver.hasEnded), 'the WebDriver');
    const { sessionId } = await command<{ sessionId: string }>('POST', `${root}/session`, { capabilities: {} });
    return new WebKitDevice(driver, `${root}/session/${sessionId}`);
  }

  async goto(url: string): Promise<void> {
    await command('POST', `${this.#session}/url`, { url });
  }

  url(): Promise<string> {
    return command('GET', `${this.#session}/url`);
  }

  async click(selector: string): Promise<void> {
    const found = { using: 'css selector', value: selector };
    const { [ELEMENT]: element } = await command<{ [ELEMENT]: string }>('POST', `${this.#session}/element`, found);
    await command('POST', `${this.#session}/element/${element}/click`, {});
  }

  async evaluate<Argument, Result>(
    script: (argument: Argument) => Result | Promise<Result>,
    argument?: Argument,
  ): Promise<Result> {
    const { value, error } = await command<{ value: Result; error?: string }>(
      'POST',
      `${this.#session}/execute/async`,
      {
        script: `const [argument, done] = arguments;
          (async () => (${script})(argument))().then((value) => done({ value }), (error) => done({ error: String(error) }));`,
        args: [argument ?? null],
      },
    );
    if (error !== undefined) throw new Error(error);
    return value;
  }

  /** Ends the session, which ends the browser, then the driver. */
  async close(): Promise<void> {
    await command('DELETE', this.#session).catch(() => {}); // Whatever is left ends with its display.
    await this.#driver.end('SIGTERM');
  }
}

/** One command of WebDriver (W3C), over HTTP. */
async function command<T>(method: string, url: string, parameters?: object): Promise<T> {
  const signal = AbortSignal.timeout(COMMAND_LIMIT_MS);
  const response = await fetch(url, { method, signal, ...(parameters && { body: JSON.stringify(parameters) }) });
  const { value } = (await response.json()) as { value: any };
  if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${value.error}: ${value.message}`);
  return value as T;
}

export async function launchWebKit(): Promise<Browser> {
  // It picks a number that is free and says which on descriptor 3.
  const display = new Program(PROGRAMS.xvfb, ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const [number] = (await once(display.child.stdio[3] as Readable, 'data')) as [Buffer];
  return new WebKit(display, number.toString().trim(), await mkdtemp(join(tmpdir(), 'keymoor-webkit-')));
}
