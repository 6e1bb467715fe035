import assert from 'node:assert/strict';
import type { Application, Identity } from '@keymoor/api-client';
import type { DatabaseKind } from '../support/databases.ts';
import { type Link, Management, type Realm } from '../support/directory.ts';
import { ok } from '../support/http.ts';
import { type Init, Keymoor } from '../support/keymoor.ts';
import { SignIns } from '../support/signIn.ts';
import { bindSoftwareKey, type SoftwareKey } from '../support/softwareKey.ts';

export const ORIGIN = 'https://app.example';

/** One wrong thing, and the check that it got its documented answer and changed nothing. */
export interface Case {
  name: string;
  run(on: Attacked): Promise<void>;
}

export type JobLink = Link & { jobId: string };

/** A server with something to attack. */
export interface Attacked extends AsyncDisposable {
  keymoor: Keymoor;
  realm: Realm;
  /** A realm of the same tenant, and one of another. */
  neighbour: Realm;
  foreign: Realm;
  configId: string;
  application: Application;
  signIns: SignIns;
  /** A link to an identity of its own. */
  freshLink(): Promise<JobLink>;
  /** An identity with a passkey. */
  person(): Promise<{ identity: Identity; key: SoftwareKey; credentialId: string }>;
}

export async function startAttacked(database: DatabaseKind): Promise<Attacked> {
  await using stack = new AsyncDisposableStack();
  const keymoor = stack.use(await Keymoor.start({ database }));
  const management = await Management.of(keymoor.init);
  const otherTenant = await keymoor.command<Init>('admin', 'tenants', 'create', '--display-name', 'Other', '--json');
  const realm = await management.realm();
  const configId = await realm.config(ORIGIN);
  const application = await realm.application(configId, `${ORIGIN}/callback`);
  const everything = stack.move();
  return {
    keymoor,
    realm,
    neighbour: await management.realm(),
    foreign: await (await Management.of(otherTenant)).realm(),
    configId,
    application,
    signIns: new SignIns(realm, application),
    freshLink: async () => realm.link(configId, (await realm.identity()).id),
    person: async () => {
      const identity = await realm.identity();
      const { key, answer } = await bindSoftwareKey(await realm.link(configId, identity.id));
      return { identity, key, credentialId: ok<{ id: string }>(answer).id };
    },
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

/** The refusal cost the person nothing: the same link still binds. */
export async function stillBinds({ realm }: Attacked, link: JobLink): Promise<void> {
  assert.deepEqual(await realm.credentials(link.identityId), []);
  ok((await bindSoftwareKey(link)).answer);
}
