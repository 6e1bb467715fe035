import type { BindingInfo } from './bindingInfo.ts';
import { KeymoorError } from './keymoorError.ts';
import type { NewKey, PasskeyKey } from './passkeyKey.ts';
import type { Passkey } from './types.ts';
import { within } from './within.ts';

/** A passkey with what is needed to use it. */
export interface StoredPasskey {
  id: string;
  /** Tenant, realm and identity: one passkey each. */
  owner: [tenantId: string, realmId: string, identityId: string];
  passkey: Passkey;
  kid: string;
  key: PasskeyKey;
}

/** A binding whose outcome this browser doesn't know yet. */
export interface Attempt {
  /** SHA-256 of the link's token. */
  link: string;
  owner: StoredPasskey['owner'];
  /** Milliseconds since 1970. */
  startedAt: number;
  /** What the passkey will remember about its owner. */
  bindsTo: BindingInfo['owner'];
  postBindingRedirectUri: string | undefined;
  fresh: NewKey;
}

const DATABASE = 'keymoor';
const PASSKEYS = 'passkeys';
const BY_OWNER = 'owner';
const DEVICE = 'device';
const INSTANCE_ID = 'instanceId';

/** Some browsers leave an operation without an answer until they are restarted. */
const ANSWER_LIMIT_MS = 10_000;
/** Longer than any link is good for. */
const ATTEMPT_LIFE_MS = 30 * 24 * 3_600_000;

/** Step n takes a database from version n to n + 1. Steps are only ever added. */
const UPGRADES: ((database: IDBDatabase) => void)[] = [
  (database) => {
    database.createObjectStore(PASSKEYS, { keyPath: 'id' }).createIndex(BY_OWNER, 'owner', { unique: true });
    database.createObjectStore(DEVICE);
  },
];

/** Every passkey of this browser. */
export async function listPasskeys(): Promise<StoredPasskey[]> {
  return transact([PASSKEYS], 'readonly', (tx, done) => {
    read<StoredPasskey[]>(tx.objectStore(PASSKEYS).getAll(), done);
  });
}

/** One passkey by its local id. */
export async function findPasskey(id: string): Promise<StoredPasskey | undefined> {
  if (typeof id !== 'string') return undefined;
  return transact([PASSKEYS], 'readonly', (tx, done) => {
    read<StoredPasskey | undefined>(tx.objectStore(PASSKEYS).get(id), done);
  });
}

/** The passkey of an owner. */
export async function findPasskeyOf(owner: StoredPasskey['owner']): Promise<StoredPasskey | undefined> {
  return transact([PASSKEYS], 'readonly', (tx, done) => {
    read<StoredPasskey | undefined>(tx.objectStore(PASSKEYS).index(BY_OWNER).get(owner), done);
  });
}

/**
 * Stores a passkey in place of its owner's former one, and ends the attempt that led to it and others of its owner.
 *
 * @returns The keys that are of no more use.
 */
export async function replacePasskey(fresh: StoredPasskey, link: string): Promise<PasskeyKey[]> {
  return transact([PASSKEYS, DEVICE], 'readwrite', (tx, done) => {
    const store = tx.objectStore(PASSKEYS);
    read<StoredPasskey | undefined>(store.index(BY_OWNER).get(fresh.owner), (former) => {
      if (former) store.delete(former.id);
      store.put(fresh);
      eachAttempt(tx, (attempts) => {
        const ended = attempts.filter(({ owner }) => String(owner) === String(fresh.owner));
        for (const attempt of ended) tx.objectStore(DEVICE).delete(attempt.link);
        const others = ended.filter((attempt) => attempt.link !== link);
        done([...(former ? [former.key] : []), ...others.map((attempt) => attempt.fresh.key)]);
      });
    });
  });
}

/** Remembers an attempt, and forgets those whose link has long expired. */
export async function saveAttempt(attempt: Attempt): Promise<void> {
  return transact([DEVICE], 'readwrite', (tx, done) => {
    const store = tx.objectStore(DEVICE);
    eachAttempt(tx, (attempts) => {
      for (const { link, startedAt } of attempts) {
        if (startedAt < attempt.startedAt - ATTEMPT_LIFE_MS) store.delete(link);
      }
      store.put(attempt, attempt.link);
      done(undefined);
    });
  });
}

/** The attempt with a link. */
export async function findAttempt(link: string): Promise<Attempt | undefined> {
  return transact([DEVICE], 'readonly', (tx, done) => {
    read<Attempt | undefined>(tx.objectStore(DEVICE).get(link), done);
  });
}

/** Forgets the attempt with a link. */
export async function removeAttempt(link: string): Promise<void> {
  return transact([DEVICE], 'readwrite', (tx, done) => {
    tx.objectStore(DEVICE).delete(link);
    done(undefined);
  });
}

/** Attempts are kept beside the name of the browser, which is text, so that an older SDK can still open the database. */
function eachAttempt(tx: IDBTransaction, use: (attempts: Attempt[]) => void): void {
  read<unknown[]>(tx.objectStore(DEVICE).getAll(), (values) => {
    use(values.filter((value): value is Attempt => typeof value === 'object'));
  });
}

/** Removes a passkey, which it returns; nothing where there is none. */
export async function removePasskey(id: string): Promise<StoredPasskey | undefined> {
  if (typeof id !== 'string') return undefined;
  return transact([PASSKEYS], 'readwrite', (tx, done) => {
    const store = tx.objectStore(PASSKEYS);
    read<StoredPasskey | undefined>(store.get(id), (former) => {
      store.delete(id);
      done(former);
    });
  });
}

/** The name of this browser in proofs: `candidate` if it has none yet. */
export async function instanceId(candidate: string): Promise<string> {
  return transact([DEVICE], 'readwrite', (tx, done) => {
    const store = tx.objectStore(DEVICE);
    read<string | undefined>(store.get(INSTANCE_ID), (known) => {
      const id = known ?? candidate;
      // Written each time, since it is also how binding learns that this browser can store at all.
      store.put(id, INSTANCE_ID);
      done(id);
    });
  });
}

function read<T>(request: IDBRequest, use: (value: T) => void): void {
  request.onsuccess = () => use(request.result as T);
}

/** Runs one transaction; what it hands to `done` counts once the browser has committed it. */
async function transact<T>(
  stores: string[],
  mode: IDBTransactionMode,
  work: (tx: IDBTransaction, done: (value: T) => void) => void,
): Promise<T> {
  let database: IDBDatabase | undefined;
  let tx: IDBTransaction | undefined;
  try {
    database = await open();
    // The server already counts on a key that is stored here, so a crash must not lose it.
    const begun = (tx = database.transaction(stores, mode, { durability: 'strict' }));
    const committed = new Promise<T>((resolve, reject) => {
      let outcome: T;
      begun.oncomplete = () => resolve(outcome);
      begun.onabort = () => reject(begun.error);
      work(begun, (value) => {
        outcome = value;
      });
    });
    return await within(ANSWER_LIMIT_MS, committed);
  } catch (error) {
    abort(tx);
    throw new KeymoorError('storage', 'this browser could not store or read passkeys', error);
  } finally {
    // A connection that is left open would hold up the upgrade that a newer version makes in another tab.
    database?.close();
  }
}

/** What was reported as a failure must not happen later. */
function abort(tx: IDBTransaction | undefined): void {
  try {
    tx?.abort();
  } catch {
    // It has ended.
  }
}

async function open(): Promise<IDBDatabase> {
  const opened = new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(DATABASE, UPGRADES.length);
    request.onupgradeneeded = ({ oldVersion }) => {
      for (const upgrade of UPGRADES.slice(oldVersion)) upgrade(request.result);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  try {
    return await within(ANSWER_LIMIT_MS, opened);
  } catch (error) {
    opened.then((late) => late.close()).catch(() => {});
    throw error;
  }
}
