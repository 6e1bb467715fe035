import { KeymoorError } from './keymoorError.ts';
import type { PasskeyKey } from './passkeyKey.ts';
import type { Passkey } from './types.ts';

/** A passkey with what is needed to use it. */
export interface StoredPasskey {
  id: string;
  /** Tenant, realm and identity: one passkey each. */
  owner: [tenantId: string, realmId: string, identityId: string];
  passkey: Passkey;
  kid: string;
  key: PasskeyKey;
}

const DATABASE = 'keymoor';
const PASSKEYS = 'passkeys';
const BY_OWNER = 'owner';
const DEVICE = 'device';
const INSTANCE_ID = 'instanceId';

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

/** Stores a passkey in place of its owner's former one, which it returns. */
export async function replacePasskey(fresh: StoredPasskey): Promise<StoredPasskey | undefined> {
  return transact([PASSKEYS], 'readwrite', (tx, done) => {
    const store = tx.objectStore(PASSKEYS);
    read<StoredPasskey | undefined>(store.index(BY_OWNER).get(fresh.owner), (former) => {
      if (former) store.delete(former.id);
      store.put(fresh);
      done(former);
    });
  });
}

/** Removes a passkey, which it returns; nothing where there is none. */
export async function removePasskey(id: string): Promise<StoredPasskey | undefined> {
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
  try {
    database = await open();
    // The server already counts on a key that is stored here, so a crash must not lose it.
    const tx = database.transaction(stores, mode, { durability: 'strict' });
    return await new Promise<T>((resolve, reject) => {
      let outcome: T;
      tx.oncomplete = () => resolve(outcome);
      tx.onabort = () => reject(tx.error);
      work(tx, (value) => {
        outcome = value;
      });
    });
  } catch (error) {
    throw new KeymoorError('storage', 'this browser could not store or read passkeys', error);
  } finally {
    // A connection that is left open would hold up the upgrade that a newer version makes in another tab.
    database?.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, UPGRADES.length);
    request.onupgradeneeded = ({ oldVersion }) => {
      for (const upgrade of UPGRADES.slice(oldVersion)) upgrade(request.result);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
