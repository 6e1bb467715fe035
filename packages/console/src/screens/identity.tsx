/** One identity: its passkeys, profile and jobs. */
import type { Credential, Identity } from '@keymoor/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { t } from '../l10n/l10n.ts';
import { useGo, useIds } from '../link.tsx';
import { Button, ConfirmDialog, Empty, ErrorState, Field, Id, Loading, PageHead, Time } from '../ui.tsx';
import { EventList } from './eventList.tsx';
import { AddPasskey } from './addPasskey.tsx';
import { FormDialog } from './formDialog.tsx';
import { Enrolment } from './identities.tsx';
import { JobRows } from './jobRows.tsx';
import { Tabs } from './tabs.tsx';

export function IdentityPage() {
  const { realm, identity: id } = useIds();
  const at = { realm_id: realm, identity_id: id };
  const [tab, setTab] = useState('passkeys');
  const [dialog, setDialog] = useState<'add' | 'edit' | 'suspend' | 'delete'>();
  const [renaming, setRenaming] = useState<Credential>();
  const [revoking, setRevoking] = useState<Credential>();
  const queries = useQueryClient();
  const go = useGo();
  const person = useQuery({ queryKey: ['identity', realm, id], queryFn: () => api().getIdentity(at) });
  const keys = useQuery({ queryKey: ['credentials', id], queryFn: () => api().listCredentials({ ...at, page_size: 200 }) });
  const jobs = useQuery({ queryKey: ['jobs-of', id], queryFn: () => api().listCredentialBindingJobs({ ...at, page_size: 50 }) });
  if (person.isError) return <ErrorState error={person.error} onRetry={() => void person.refetch()} />;
  if (!person.data) return <Loading />;
  const { data } = person;
  const changed = () => Promise.all([queries.invalidateQueries({ queryKey: ['identity'] }), queries.invalidateQueries({ queryKey: ['identities'] }), keys.refetch()]);
  const setStatus = async (status: 'active' | 'suspended') => {
    await api().updateIdentity({ ...at, identity: { status } });
    await changed();
  };
  const close = () => setDialog(undefined);
  return (
    <>
      <PageHead
        title={data.display_name}
        facts={
          <>
            <Enrolment person={data} />
            <span>{data.traits.username}</span>
            <Id value={id} what={t('id')} whole />
          </>
        }
      >
        <Button icon="edit" onPress={() => setDialog('edit')}>
          {t('profile')}
        </Button>
        {data.status === 'active' ? (
          <Button icon="ban" onPress={() => setDialog('suspend')}>
            {t('suspend')}
          </Button>
        ) : (
          <Button icon="check" onPress={() => void setStatus('active')}>
            {t('unsuspend')}
          </Button>
        )}
        <Button kind="danger-quiet" icon="trash" onPress={() => setDialog('delete')}>
          {t('delete')}
        </Button>
        <Button kind="primary" icon="plus" onPress={() => setDialog('add')}>
          {t('add-title')}
        </Button>
      </PageHead>
      <Tabs
        current={tab}
        onChange={setTab}
        tabs={[
          ['passkeys', t('passkeys'), keys.data?.total_size],
          ['profile', t('profile')],
          ['jobs', t('jobs'), jobs.data?.total_size],
          ['events', t('events')],
        ]}
      />
      {tab === 'passkeys' && (
        <section className="card" aria-label={t('passkeys')}>
          {keys.data?.credentials.length === 0 && <Empty title={t('passkeys-empty')} text={t('passkeys-empty-text', { name: data.display_name })} />}
          {keys.isError && <ErrorState error={keys.error} onRetry={() => void keys.refetch()} />}
          {keys.data && keys.data.credentials.length > 0 && <Passkeys keys={keys.data.credentials} onRename={setRenaming} onRevoke={setRevoking} />}
        </section>
      )}
      {tab === 'profile' && <Profile person={data} />}
      {tab === 'jobs' && (
        <section className="card" aria-label={t('jobs')}>
          {jobs.data?.credential_binding_jobs.length === 0 && <Empty title={t('jobs-empty')} text={t('jobs-empty-text')} />}
          {jobs.data && <JobRows jobs={jobs.data.credential_binding_jobs} />}
        </section>
      )}
      {tab === 'events' && <EventList realm={realm} selection={{ identity_id: id }} />}
      {dialog === 'add' && <AddPasskey person={data} onClose={close} />}
      {dialog === 'edit' && <EditIdentity person={data} onClose={close} onSaved={() => changed()} />}
      {dialog === 'suspend' && (
        <ConfirmDialog title={t('suspend-title', { name: data.display_name })} keep={t('cancel')} action={t('suspend')} pending={t('saving')} onClose={close} act={() => setStatus('suspended')}>
          <p>{t('suspend-text')}</p>
        </ConfirmDialog>
      )}
      {dialog === 'delete' && (
        <ConfirmDialog
          title={t('delete-title', { name: data.display_name })}
          keep={t('cancel')}
          action={t('identity-delete')}
          pending={t('deleting')}
          word={data.traits.username}
          onClose={close}
          act={async () => {
            await api().deleteIdentity(at);
            await queries.invalidateQueries({ queryKey: ['identities'] });
            await go(`/realms/${realm}/identities`);
          }}
        >
          <p>{t('delete-text')}</p>
        </ConfirmDialog>
      )}
      {renaming && (
        <FormDialog
          title={t('rename')}
          action={t('rename')}
          onClose={() => setRenaming(undefined)}
          save={async (value) => {
            await api().updateCredential({ ...at, credential_id: renaming.id, credential: { display_name: value('display_name') } });
            await changed();
          }}
        >
          {(error) => (
            <Field label={t('name')} name="display_name" autoFocus required defaultValue={renaming.display_name} error={error('credential.display_name')} />
          )}
        </FormDialog>
      )}
      {revoking && (
        <ConfirmDialog
          title={t('revoke-title', { passkey: revoking.display_name })}
          keep={t('revoke-keep')}
          action={t('revoke-do')}
          pending={t('revoking')}
          onClose={() => setRevoking(undefined)}
          act={async () => {
            await api().revokeCredential({ ...at, credential_id: revoking.id });
            await changed();
          }}
        >
          <p>{t('revoke-text', { name: data.display_name })}</p>
          <p className="muted">{t('revoke-final')}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function Passkeys({
  keys,
  onRename,
  onRevoke,
}: {
  keys: readonly Credential[];
  onRename: (key: Credential) => void;
  onRevoke: (key: Credential) => void;
}) {
  return (
    <div className="table-frame">
      <table aria-label={t('passkeys')}>
        <thead>
          <tr>
            <th>{t('name')}</th>
            <th className="p2">{t('key')}</th>
            <th className="p1">{t('proof')}</th>
            <th>{t('state')}</th>
            <th className="p1">{t('last-used')}</th>
            <th className="p2">{t('created')}</th>
            <th className="p1">{t('id')}</th>
            <th>
              <span className="visually-hidden">{t('actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>
                {key.display_name}
                {key.created_from.ip_address && <span className="two p1">{key.created_from.ip_address}</span>}
              </td>
              <td className="p2">{t(key.csr_type === 'JWT' ? 'key-software' : 'key-device')}</td>
              <td className="p1">
                <span className={`tag ${key.attestation.level === 'attested' ? 'green' : ''}`}>{t(`proof-${key.attestation.level}`)}</span>
              </td>
              <td>{t(key.state === 'ACTIVE' ? 'active' : 'revoked')}</td>
              <td className="p1">{key.last_used_time ? <Time at={key.last_used_time} /> : <span className="faint">{t('never')}</span>}</td>
              <td className="p2">
                <Time at={key.create_time} />
              </td>
              <td className="p1">
                <Id value={key.id} what={t('passkey')} />
              </td>
              <td className="num">
                <Button kind="small quiet" onPress={() => onRename(key)}>
                  {t('rename')}
                </Button>
                {key.state === 'ACTIVE' && (
                  <Button kind="small quiet danger-quiet" onPress={() => onRevoke(key)}>
                    {t('revoke')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Profile({ person }: { person: Identity }) {
  const traits = Object.entries(person.traits).filter(([name, value]) => value && name !== 'type');
  return (
    <section className="card" aria-label={t('profile')}>
      <dl className="facts-list lined pad">
        {traits.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name.replaceAll('_', ' ')}</dt>
            <dd className="wrap">{String(value)}</dd>
          </div>
        ))}
        <dt>{t('created')}</dt>
        <dd>
          <Time at={person.create_time} />
        </dd>
        <dt>{t('updated')}</dt>
        <dd>
          <Time at={person.update_time} />
        </dd>
      </dl>
    </section>
  );
}

const TRAITS = ['primary_email_address', 'external_id', 'given_name', 'family_name', 'primary_phone', 'title', 'organization', 'department'] as const;

function EditIdentity({ person, onClose, onSaved }: { person: Identity; onClose: () => void; onSaved: () => Promise<unknown> }) {
  return (
    <FormDialog
      title={t('profile')}
      lede={person.display_name}
      action={t('save')}
      onClose={onClose}
      save={async (value) => {
        const traits: Record<string, string> = {};
        // Only what was changed, so that nobody's concurrent change is undone.
        for (const name of ['username', ...TRAITS] as const) if (value(name) !== (person.traits[name] ?? '')) traits[name] = value(name);
        const display_name = value('display_name');
        await api().updateIdentity({
          realm_id: person.realm_id,
          identity_id: person.id,
          identity: {
            ...(display_name !== person.display_name && { display_name }),
            ...(Object.keys(traits).length > 0 && { traits: { type: 'traits_v0', ...traits } }),
          },
        });
        await onSaved();
      }}
    >
      {(error) => (
        <>
          <Field label={t('name')} name="display_name" defaultValue={person.display_name} required error={error('identity.display_name')} />
          <Field label={t('username')} name="username" defaultValue={person.traits.username} required error={error('identity.traits.username')} />
          {TRAITS.map((name) => (
            <Field
              key={name}
              label={name === 'primary_email_address' ? t('email') : name.replaceAll('_', ' ')}
              name={name}
              isOptional
              defaultValue={person.traits[name] ?? ''}
              error={error(`identity.traits.${name}`)}
            />
          ))}
        </>
      )}
    </FormDialog>
  );
}
