/** What an event says in words. */
import type { Event } from '@keymoor/api-client';
import type { ComponentProps } from 'react';
import { t } from '../l10n/l10n.ts';
import type { Ring } from '../ui.tsx';

/** The kinds that the server records, in the order of the filter. */
export const KINDS = [
  'AuthenticationTransaction',
  'AuthorizeRequest',
  'TokenRequest',
  'TokenOperation',
  'CredentialBindingJobChange',
  'CredentialChange',
  'EmailStatusChange',
  'IdentityChange',
  'ApplicationOperation',
  'AuthenticatorConfigOperation',
  'V1RealmChange',
  'V1TenantChange',
  'ConsoleSessionChange',
  'AdministratorRecovery',
] as const;

const BAD = /DENY|DENIED|FAIL|REFUSED|REJECT|INVALID|ERROR|BOUNCED/;
const ENDED = /REVOKED|EXPIRED|DELETED|SUSPENDED|ENDED/;
const WAITING = /LINK_SENT|LINK_OPENED|REQUEST_DELIVERED|STARTED|CREATED/;

export function ringOf(event: Event): ComponentProps<typeof Ring> {
  if (BAD.test(event.outcome)) return { tone: 'red', shape: 'cross' };
  if (ENDED.test(event.outcome)) return { tone: 'amber', shape: 'struck' };
  if (WAITING.test(event.outcome)) return { tone: 'sea', shape: 'half' };
  return { tone: 'green', shape: 'dot' };
}

/** The kind in words; the API's word where there are none. */
export function kindWords(kind: string): string {
  const words = t(`kind-${kind}`);
  return words.startsWith('kind-') ? kind : words;
}

/** Where an actor or an identity is in the console. */
export function actorOf(event: Event): { words: string; identity?: string; application?: string; realm?: string } {
  if (event.actor === 'anonymous') return { words: t('actor-anonymous') };
  if (event.actor === 'system') return { words: t('keymoor') };
  const [, realm, kind, id] = /realms\/([0-9a-f-]+)\/(identities|applications)\/([0-9a-f-]+)/.exec(event.actor) ?? [];
  if (!realm || !id) return { words: event.actor };
  const words = `${t(kind === 'identities' ? 'identity' : 'application')} ${shortened(id)}`;
  return kind === 'identities' ? { words, realm, identity: id } : { words, realm, application: id };
}

/** An id as lists show it: the front is a time, and alike. */
export function shortened(id: string): string {
  return id.length < 17 ? id : `${id.slice(0, 4)}…${id.slice(-6)}`;
}
