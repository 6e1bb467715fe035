/** Searching identities by what the server can: whole values of one attribute each. */
import type { Identity } from '@keymoor/api-client';
import { api } from '../api.ts';

export const ATTRIBUTES = ['traits.username', 'display_name', 'traits.primary_email_address', 'traits.external_id'] as const;
const ID = /^[0-9a-f]{16}$/i;

/** A filter of the API. */
export function filterOf(attribute: string, value: string): string {
  return `${attribute} eq ${JSON.stringify(value)}`;
}

/** The identities of a realm whose id, username, name, address or external id this is. */
export async function findIdentities(realm: string, value: string): Promise<Identity[]> {
  if (!value) return [];
  const byId = ID.test(value) ? [api().getIdentity({ realm_id: realm, identity_id: value }).then((one) => [one])] : [];
  const lists = ATTRIBUTES.map((attribute) =>
    api()
      .listIdentities({ realm_id: realm, filter: filterOf(attribute, value), page_size: 20 })
      .then((page) => page.identities),
  );
  const answers = await Promise.allSettled([...byId, ...lists]);
  const failed = answers.find((answer) => answer.status === 'rejected');
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0 && failed && answers.every((answer) => answer.status === 'rejected')) throw failed.reason;
  return [...new Map(found.map((one) => [one.id, one])).values()];
}
