/** Checked by `npm run check`, never run. */
import {
  type CreateCredentialBindingJobResponse,
  type Identity,
  KeymoorApiError,
  type List,
  type ListIdentitiesResponse,
  type ManagementApi,
} from '../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const isTrue = <T extends true>(): T | void => {};

export async function calls(api: ManagementApi): Promise<void> {
  const at = { realm_id: 'r1', identity_id: 'i1' };

  const identities = api.listIdentities({ realm_id: 'r1', page_size: 10 });
  isTrue<Equal<typeof identities, List<ListIdentitiesResponse, Identity>>>();
  for await (const identity of identities) isTrue<Equal<typeof identity, Identity>>();

  const job = await api.createCredentialBindingJob({
    ...at,
    job: { delivery_method: 'RETURN', authenticator_config_id: 'c1' },
  });
  isTrue<Equal<typeof job, CreateCredentialBindingJobResponse>>();
  isTrue<Equal<ReturnType<ManagementApi['deleteRealm']>, Promise<void>>>();

  // Nothing is required of these.
  await api.getTenant();
  await api.listRealms();
  await api.listRealms({}, { signal: AbortSignal.timeout(1) });

  // @ts-expect-error An identity needs its realm.
  await api.getIdentity({ identity_id: 'i1' });
  // @ts-expect-error Parameters are required.
  await api.listIdentities();
  // @ts-expect-error The client knows its tenant.
  await api.getRealm({ realm_id: 'r1', tenant_id: 't1' });
  // @ts-expect-error There is no such parameter.
  await api.listRealms({ page_siez: 10 });
  // @ts-expect-error There is no such delivery method.
  await api.createCredentialBindingJob({ ...at, job: { delivery_method: 'FAX', authenticator_config_id: 'c1' } });
  // @ts-expect-error A body is required.
  await api.updateIdentity({ ...at });
}

export function errors(error: unknown): string[] {
  if (!(error instanceof KeymoorApiError)) return [];
  return error.details.flatMap((detail) =>
    detail.type === 'FieldViolations'
      ? detail.field_violations.map(({ field, description }) => `${field}: ${description}`)
      : [`${detail.resource_type} ${detail.id}: ${detail.description}`],
  );
}
