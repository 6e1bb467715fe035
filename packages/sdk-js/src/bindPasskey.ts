import { type BindingInfo, readBindingInfo } from './bindingInfo.ts';
import { boundPasskey } from './boundPasskey.ts';
import { callServer } from './callServer.ts';
import type { Context } from './context.ts';
import { createKey } from './createKey.ts';
import { base64Url, hex, utf8 } from './encoding.ts';
import type { Fields } from './fields.ts';
import { forgetKey } from './forgetKey.ts';
import { KeymoorError } from './keymoorError.ts';
import { obstacle } from './obstacle.ts';
import { type BindingJob, parseBindLink, withoutLink } from './parseBindLink.ts';
import { distinguishedName, type NewKey } from './passkeyKey.ts';
import { randomId } from './randomId.ts';
import { isRefusal } from './serverError.ts';
import {
  type Attempt,
  findAttempt,
  findPasskeyOf,
  instanceId,
  removeAttempt,
  replacePasskey,
  saveAttempt,
  type StoredPasskey,
} from './storage.ts';
import type { BindPasskeyResponse, Log, Passkey } from './types.ts';

const LOCAL_ID_BYTES = 32;
/** How long to wait before a proof is sent again whose answer was lost. */
const RETRY_AFTER_MS = [500, 2_000];

/**
 * Makes a key, binds it by a link and stores it as its owner's passkey in this browser.
 *
 * The key is stored before the server gets to know it. If the server's answer is lost, a later call with the same
 * link sends the same key again, which the server accepts, whether or not it did before.
 */
export async function bindPasskey(job: BindingJob, context: Context): Promise<BindPasskeyResponse> {
  await requireStorage();
  const link = base64Url(await crypto.subtle.digest('SHA-256', utf8(job.token)));
  const unfinished = await findAttempt(link);
  const bound = (unfinished && (await resume(job, unfinished, context))) ?? (await begin(job, link, context));
  context.log.write('bound a passkey', bound.passkey.keyType);
  dropLinkFromAddress(job.token, context.log);
  return bound;
}

/** Storage that can't be written must fail here, not after a key was created. */
async function requireStorage(): Promise<void> {
  try {
    await instanceId(randomId());
  } catch (error) {
    // Where that is for the frame, a person can do something about it.
    throw obstacle('create') ?? error;
  }
}

async function begin(job: BindingJob, link: string, context: Context): Promise<BindPasskeyResponse> {
  const info = await getInfo(job, context);
  const fresh = await makeKey(job, info, context);
  const attempt: Attempt = {
    link,
    owner: ownerOf(job),
    startedAt: Date.now(),
    bindsTo: info.owner,
    postBindingRedirectUri: info.postBindingRedirectUri,
    fresh,
  };
  try {
    await saveAttempt(attempt);
  } catch (error) {
    await forgetKey(fresh.key);
    throw error;
  }
  return finish(job, attempt, false, context);
}

/** Sends a key again whose answer was lost; nothing if the server had not accepted it and now doesn't. */
async function resume(job: BindingJob, attempt: Attempt, context: Context): Promise<BindPasskeyResponse | undefined> {
  try {
    return await finish(job, attempt, true, context);
  } catch (error) {
    // Such as a challenge that has expired in the meantime. The link is still good for another key.
    if ((error as KeymoorError).code === 'invalid_request') return undefined;
    throw error;
  }
}

async function finish(
  job: BindingJob,
  attempt: Attempt,
  isRepeat: boolean,
  context: Context,
): Promise<BindPasskeyResponse> {
  const { link, owner, fresh, bindsTo } = attempt;
  let credential: Fields;
  try {
    credential = await offer(job, fresh, isRepeat, context);
  } catch (error) {
    // After any other failure the server may have accepted the key, which may be the only one that is left.
    if (error instanceof Refusal) {
      await giveUp(attempt);
      throw error.cause;
    }
    throw error;
  }
  const passkey: Passkey = {
    id: hex(crypto.getRandomValues(new Uint8Array(LOCAL_ID_BYTES))),
    passkeyId: credential.string('id'),
    created: credential.string('create_time'),
    keyType: fresh.key.type,
    state: credential.string('state') === 'ACTIVE' ? 'Active' : 'Revoked',
    ...bindsTo,
  };
  const replaced = await replacePasskey({ id: passkey.id, owner, passkey, kid: fresh.kid, key: fresh.key }, link);
  for (const key of replaced) await forgetKey(key);
  return boundPasskey(passkey, attempt.postBindingRedirectUri);
}

/** Says that the server has not accepted the key, and why. */
class Refusal extends Error {}

/** Offers a key to the server, several times if its answers are lost. */
async function offer(job: BindingJob, { proof }: NewKey, isRepeat: boolean, { domains }: Context): Promise<Fields> {
  for (let tries = 0; ; tries++) {
    try {
      return await callServer(jobUrl(job, 'bind'), domains, {
        subject: 'link',
        method: 'POST',
        headers: { authorization: `Bearer ${job.token}`, 'content-type': 'application/json' },
        body: JSON.stringify(proof),
      });
    } catch (error) {
      if (isRefusal(error, isRepeat || tries > 0)) throw new Refusal('the key was refused', { cause: error });
      const delayMs = RETRY_AFTER_MS[tries];
      if (delayMs === undefined || !isLost(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/** Whether the server may have done what a call asked for, although its answer did not arrive. */
const isLost = (error: unknown): boolean =>
  ['network', 'server', 'invalid_response'].includes((error as KeymoorError).code);

async function giveUp({ link, fresh }: Attempt): Promise<void> {
  // What can't be removed is refused once more when the link is used again.
  await removeAttempt(link).catch(() => {});
  await forgetKey(fresh.key);
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

const ownerOf = ({ tenantId, realmId, identityId }: BindingJob): StoredPasskey['owner'] => [tenantId, realmId, identityId];

function jobUrl(job: BindingJob, verb: 'getInfo' | 'bind'): string {
  // Ids of a link need no escaping.
  const { tenantId: tenant, realmId: realm, identityId: identity, jobId: id } = job;
  const base = job.apiBaseUrl.replace(/\/$/, '');
  return `${base}/v1/tenants/${tenant}/realms/${realm}/identities/${identity}/credential-binding-jobs/${id}:${verb}`;
}

/** A used link is taken out of the address bar, the history and whatever reads them. */
function dropLinkFromAddress(token: string, log: Log): void {
  if (parseBindLink(location.href)?.token !== token) return;
  try {
    history.replaceState(history.state, '', withoutLink(location.href, token));
  } catch (error) {
    // The passkey is bound. Browsers limit how often a page may do this, and some frames may not at all. Their
    // message holds the link.
    log.write('the link stays in the address', (error as Error).name);
  }
}
