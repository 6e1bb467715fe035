import { type BindingInfo, readBindingInfo } from './bindingInfo.ts';
import { BoundPasskey } from './boundPasskey.ts';
import { callServer } from './callServer.ts';
import type { Context } from './context.ts';
import { createKey } from './createKey.ts';
import { hex } from './encoding.ts';
import type { Fields } from './fields.ts';
import { forgetKey } from './forgetKey.ts';
import { BIND_PARAMETERS, type BindingJob, type BindLink, parseBindLink } from './parseBindLink.ts';
import { distinguishedName, type NewKey, type PasskeyKey } from './passkeyKey.ts';
import { isRefusal } from './serverError.ts';
import { findPasskeyOf, instanceId, replacePasskey, type StoredPasskey } from './storage.ts';
import type { BindPasskeyResponse, Passkey } from './types.ts';

const LOCAL_ID_BYTES = 32;

/** Makes a key, binds it by a link and stores it as its owner's passkey in this browser. */
export async function bindPasskey(link: BindLink, context: Context): Promise<BindPasskeyResponse> {
  // Storage that can't be written must fail here, not after the server has taken the key.
  await instanceId(crypto.randomUUID());
  const job = link.kind === 'app' ? link.job : await resolveLink(link.url, context);
  const info = await getInfo(job, context);
  const fresh = await makeKey(job, info, context);
  const passkey = await bind(job, info, fresh, context);
  const former = await store(job, passkey, fresh);
  if (former) await forgetKey(former);
  context.log.write('bound a passkey', passkey.keyType);
  dropLinkFromAddress(job.token);
  return new BoundPasskey(passkey, info.postBindingRedirectUri);
}

/** Asks the server which job a link is for. */
async function resolveLink(url: string, { domains }: Context): Promise<BindingJob> {
  const answer = await callServer(url, domains, { subject: 'link', headers: { accept: 'application/json' } });
  const job = {} as BindingJob;
  for (const [member, parameter] of Object.entries(BIND_PARAMETERS) as [keyof BindingJob, string][]) {
    job[member] = answer.string(parameter);
  }
  return job;
}

async function getInfo(job: BindingJob, { domains }: Context): Promise<BindingInfo> {
  const answer = await callServer(jobUrl(job, 'getInfo'), domains, {
    subject: 'link',
    method: 'POST',
    headers: { authorization: `Bearer ${job.token}` },
  });
  return readBindingInfo(job, answer);
}

async function makeKey(job: BindingJob, { allowed, owner, fido2 }: BindingInfo, { log }: Context): Promise<NewKey> {
  return createKey(
    allowed,
    { sub: distinguishedName(...ownerOf(job)), token: job.token },
    {
      realm: owner.realm.displayName,
      username: owner.identity.username,
      displayName: owner.identity.displayName,
    },
    fido2 && { options: fido2, former: (await findPasskeyOf(ownerOf(job)))?.key },
    log,
  );
}

async function bind(job: BindingJob, info: BindingInfo, fresh: NewKey, { domains }: Context): Promise<Passkey> {
  let credential: Fields;
  try {
    credential = await callServer(jobUrl(job, 'bind'), domains, {
      subject: 'link',
      method: 'POST',
      headers: { authorization: `Bearer ${job.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(fresh.proof),
    });
  } catch (error) {
    // After any other failure the server may have taken the key, which may be the only one that is left.
    if (isRefusal(error)) await forgetKey(fresh.key);
    throw error;
  }
  return {
    id: hex(crypto.getRandomValues(new Uint8Array(LOCAL_ID_BYTES))),
    passkeyId: credential.string('id'),
    created: credential.string('create_time'),
    keyType: fresh.key.type,
    state: credential.string('state') === 'ACTIVE' ? 'Active' : 'Revoked',
    ...info.owner,
  };
}

/** Returns the key that the owner had in this browser before. */
async function store(job: BindingJob, passkey: Passkey, { key, kid }: NewKey): Promise<PasskeyKey | undefined> {
  const former = await replacePasskey({
    id: passkey.id,
    owner: ownerOf(job),
    passkey,
    kid,
    key,
  });
  return former?.key;
}

const ownerOf = ({ tenantId, realmId, identityId }: BindingJob): StoredPasskey['owner'] => [tenantId, realmId, identityId];

function jobUrl(job: BindingJob, verb: 'getInfo' | 'bind'): string {
  const [tenant, realm, identity, id] = [job.tenantId, job.realmId, job.identityId, job.jobId].map(encodeURIComponent);
  const base = job.apiBaseUrl.replace(/\/$/, '');
  return `${base}/v1/tenants/${tenant}/realms/${realm}/identities/${identity}/credential-binding-jobs/${id}:${verb}`;
}

/** A used link is taken out of the address bar, the history and whatever reads them. */
function dropLinkFromAddress(token: string): void {
  const shown = parseBindLink(location.href);
  if (shown?.kind !== 'app' || shown.job.token !== token) return;
  const url = new URL(location.href);
  for (const parameter of Object.values(BIND_PARAMETERS)) url.searchParams.delete(parameter);
  history.replaceState(history.state, '', url);
}
