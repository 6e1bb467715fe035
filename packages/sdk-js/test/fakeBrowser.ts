/** The parts of a browser that the SDK uses, as globals of a test process. */
import { IDBFactory } from 'fake-indexeddb';
import { FakeAuthenticator } from './fakeAuthenticator.ts';

const realSetTimeout = globalThis.setTimeout;

export interface FakeBrowser {
  authenticator: FakeAuthenticator;
  /** Null: a browser without the interface. */
  userActivation: { hasBeenActive: boolean } | null;
  locks: LockManager | undefined;
  /** Errors that reached the page. */
  reported: unknown[];
  historyState: unknown;
  /** What frames this page; null: a page of its own. Throws to be of another origin. */
  parent: (() => unknown) | null;
  /** The features that the page's Permissions-Policy names, and whether it allows them. */
  policy: Record<string, boolean>;
  open(url: string): void;
  url(): string;
  /** Hands an event to the page's listeners. */
  dispatch(type: string, isTrusted: boolean): void;
  listeners(): number;
}

/** Puts a fresh browser in place, showing the page at `url`. */
export function fakeBrowser(url: string): FakeBrowser {
  let page = new URL(url);
  const listeners = new Map<string, Set<(event: Event) => void>>();
  const browser: FakeBrowser = {
    authenticator: new FakeAuthenticator(() => page),
    userActivation: { hasBeenActive: false },
    locks: inProcessLocks(),
    reported: [],
    historyState: { kept: true },
    parent: null,
    policy: {},
    open: (next) => {
      page = new URL(next);
    },
    url: () => page.href,
    dispatch: (type, isTrusted) => {
      for (const listener of listeners.get(type) ?? []) listener({ type, isTrusted } as Event);
    },
    listeners: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
  };
  defineGlobals({
    indexedDB: new IDBFactory(),
    location: {
      get href() {
        return page.href;
      },
      get hostname() {
        return page.hostname;
      },
      get port() {
        return page.port;
      },
      get protocol() {
        return page.protocol;
      },
    },
    history: {
      get state() {
        return browser.historyState;
      },
      replaceState: (state: unknown, _: string, next: URL) => {
        browser.historyState = state;
        page = new URL(next);
      },
    },
    navigator: {
      get userActivation() {
        return browser.userActivation ?? undefined;
      },
      get locks() {
        return browser.locks;
      },
      credentials: {
        create: (options: CredentialCreationOptions) => browser.authenticator.create(options),
        get: (options: CredentialRequestOptions) => browser.authenticator.get(options),
      },
    },
    PublicKeyCredential: {
      isConditionalMediationAvailable: async () => true,
      isUserVerifyingPlatformAuthenticatorAvailable: async () => browser.authenticator.available,
      signalUnknownCredential: async (signal: { rpId: string; credentialId: string }) => {
        browser.authenticator.forget(signal);
      },
    },
    addEventListener: (type: string, listener: (event: Event) => void, { signal }: { signal: AbortSignal }) => {
      const set = listeners.get(type) ?? new Set();
      listeners.set(type, set.add(listener));
      signal.addEventListener('abort', () => set.delete(listener));
    },
    reportError: (error: unknown) => browser.reported.push(error),
    document: {
      featurePolicy: {
        features: () => Object.keys(browser.policy),
        allowsFeature: (feature: string) => browser.policy[feature] ?? false,
      },
    },
    // Waits for the server cost no time here. Those for the browser stay: nothing is meant to end them.
    setTimeout: (work: () => void, ms: number) => realSetTimeout(work, ms < 3_000 ? 0 : ms),
  });
  defineGetters({
    origin: () => page.origin,
    parent: () => (browser.parent ? browser.parent() : globalThis),
  });
  return browser;
}

function defineGlobals(values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

function defineGetters(getters: Record<string, () => unknown>): void {
  for (const [name, get] of Object.entries(getters)) Object.defineProperty(globalThis, name, { get, configurable: true });
}

function inProcessLocks(): LockManager {
  const tails = new Map<string, Promise<unknown>>();
  return {
    request: (name: string, task: () => Promise<unknown>) => {
      const turn = (tails.get(name) ?? Promise.resolve()).then(task, task);
      tails.set(name, turn);
      return turn;
    },
  } as unknown as LockManager;
}
