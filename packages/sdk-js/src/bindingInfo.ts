import { type AllowedKeys, allowedKeys } from './createKey.ts';
import type { Fields } from './fields.ts';
import { KeymoorError } from './keymoorError.ts';
import type { BindingJob } from './parseBindLink.ts';
import type { Identity, Passkey } from './types.ts';
import { isSafeDestination } from './urls.ts';

/** What the server says about a binding job before a key is made. */
export interface BindingInfo {
  /** What the passkey will remember about its owner. */
  owner: Pick<Passkey, 'tenant' | 'realm' | 'identity' | 'theme'> & { identity: Identity & { displayName: string } };
  allowed: AllowedKeys;
  /** Options for a key in an authenticator, if the server makes them. */
  fido2: Fields | undefined;
  postBindingRedirectUri: string | undefined;
}

/**
 * Reads all of it at once: after the key is bound, it would be too late to find something missing.
 *
 * @throws {@link KeymoorError} `invalid_response` if it isn't what the protocol says.
 */
export function readBindingInfo(job: BindingJob, info: Fields): BindingInfo {
  const postBindingRedirectUri = info.optionalString('post_binding_redirect_uri');
  if (postBindingRedirectUri !== undefined && !isSafeDestination(postBindingRedirectUri)) {
    throw new KeymoorError('invalid_response', 'the binding job leads to no address a page may go to');
  }
  return {
    owner: readOwner(job, info),
    allowed: allowedKeys(info.object('authenticator_config').object('config')),
    fido2: info.has('fido2') ? info.object('fido2').object('creation_options') : undefined,
    postBindingRedirectUri,
  };
}

function readOwner(job: BindingJob, info: Fields): BindingInfo['owner'] {
  const identity = info.object('identity');
  const traits = identity.object('traits');
  const theme = info.object('theme');
  const emailAddress = traits.optionalString('primary_email_address');
  const externalId = traits.optionalString('external_id');
  const supportUrl = theme.optionalString('support_url');
  return {
    tenant: { id: job.tenantId, displayName: info.object('tenant').string('display_name') },
    realm: { id: job.realmId, displayName: info.object('realm').string('display_name') },
    identity: {
      id: job.identityId,
      username: traits.string('username'),
      displayName: identity.string('display_name'),
      ...(externalId ? { externalId } : {}),
      ...(emailAddress ? { emailAddress } : {}),
    },
    theme: {
      logoUrlLight: theme.string('logo_url_light'),
      logoUrlDark: theme.string('logo_url_dark'),
      ...(supportUrl ? { supportUrl } : {}),
    },
  };
}
