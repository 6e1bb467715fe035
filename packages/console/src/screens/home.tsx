/** The realms, and the home of one. */
import type { Realm } from '@keymoor/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useState } from 'react';
import { api } from '../api.ts';
import { Icon } from '../icons.tsx';
import { t } from '../l10n/l10n.ts';
import { Link, useGo, useIds } from '../link.tsx';
import { useRealm, useSession } from '../shell.tsx';
import { Button, ConfirmDialog, ErrorState, Field, Id, Loading, PageHead, Time } from '../ui.tsx';
import { FormDialog } from './formDialog.tsx';
import { JobRows } from './jobRows.tsx';

const Charts = lazy(() => import('./charts.tsx'));

/** The console opens the realm that was last open, or shows all. */
export function Start() {
  const go = useGo();
  useEffect(() => {
    const last = localStorage.getItem('keymoor-realm');
    void go(last && /^[0-9a-f]{16}$/.test(last) ? `/realms/${last}` : '/realms');
  }, [go]);
  return <Loading />;
}

export function Realms() {
  const session = useSession();
  const [isCreating, setCreating] = useState(false);
  const list = useQuery({ queryKey: ['realms'], queryFn: () => api().listRealms({ page_size: 100 }) });
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  return (
    <>
      <PageHead title={t('realms')} count={list.data?.total_size}>
        <Button kind="primary" icon="plus" onPress={() => setCreating(true)}>
          {t('realm-create')}
        </Button>
      </PageHead>
      {list.isPending && <Loading />}
      {list.data && (
        <div className="table-frame">
          <table aria-label={t('realms')}>
            <thead>
              <tr>
                <th>{t('name')}</th>
                <th className="p1">{t('created')}</th>
                <th className="p2">{t('id')}</th>
              </tr>
            </thead>
            <tbody>
              {list.data.realms.map((realm) => (
                <tr key={realm.id}>
                  <td>
                    <Link to={`/realms/${realm.id}`}>{realm.display_name}</Link>{' '}
                    {realm.id === session.admin_realm_id && <span className="tag">{t('admin-realm')}</span>}
                  </td>
                  <td className="p1">
                    <Time at={realm.create_time} />
                  </td>
                  <td className="p2">
                    <Id value={realm.id} what={t('realm-id')} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isCreating && <CreateRealm onClose={() => setCreating(false)} />}
    </>
  );
}

function CreateRealm({ onClose }: { onClose: () => void }) {
  const go = useGo();
  const queries = useQueryClient();
  return (
    <FormDialog
      title={t('realm-create')}
      action={t('realm-create')}
      onClose={onClose}
      save={async (form) => {
        const realm = await api().createRealm({ realm: { display_name: form('display_name') } });
        await queries.invalidateQueries({ queryKey: ['realms'] });
        await go(`/realms/${realm.id}`);
      }}
    >
      {(error) => <Field label={t('realm-name')} name="display_name" autoFocus required error={error('realm.display_name')} />}
    </FormDialog>
  );
}

export function Home() {
  const session = useSession();
  const { realm: id } = useIds();
  const realm = useRealm(id);
  const [dialog, setDialog] = useState<'edit' | 'delete'>();
  const counts = useQuery({
    queryKey: ['counts', id],
    queryFn: async () => {
      const [people, apps, jobs] = await Promise.all([
        api().listIdentities({ realm_id: id, page_size: 1 }),
        api().listApplications({ realm_id: id, page_size: 1 }),
        api().listCredentialBindingJobs({ realm_id: id, identity_id: '-', page_size: 20 }),
      ]);
      return { people: people.total_size, apps: apps.total_size, jobs: jobs.credential_binding_jobs };
    },
    refetchInterval: 10_000,
  });
  useEffect(() => {
    if (realm.data) localStorage.setItem('keymoor-realm', id);
    if (realm.isError) localStorage.removeItem('keymoor-realm');
  }, [realm.data, realm.isError, id]);
  if (realm.isError) return <ErrorState error={realm.error} onRetry={() => void realm.refetch()} />;
  if (!realm.data) return <Loading />;
  const open = counts.data?.jobs.filter((job) => ['LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED'].includes(job.state)) ?? [];
  return (
    <>
      <PageHead
        title={realm.data.display_name}
        facts={
          <>
            <span>
              {t('realm-id')} <Id value={id} what={t('realm-id')} whole />
            </span>
            <span>
              {t('tenant-id')} <Id value={session.tenant_id} what={t('tenant-id')} whole />
            </span>
          </>
        }
      >
        <Button icon="edit" onPress={() => setDialog('edit')}>
          {t('realm-edit')}
        </Button>
      </PageHead>
      {counts.data && (
        <section className="card" aria-labelledby="setup">
          <div className="card-head">
            <h2 id="setup">{t('home-setup')}</h2>
          </div>
          <ul className="rows">
            <SetUp isDone={counts.data.apps > 0} to={`/realms/${id}/applications`} words={t('setup-app')} count={counts.data.apps} />
            <SetUp isDone={counts.data.people > 0} to={`/realms/${id}/identities`} words={t('setup-identity')} count={counts.data.people} />
            <SetUp isDone={counts.data.jobs.some((job) => job.state === 'COMPLETE')} to={`/realms/${id}/identities`} words={t('setup-passkey')} />
          </ul>
        </section>
      )}
      <Suspense>
        <Charts realm={id} />
      </Suspense>
      <section className="card section" aria-labelledby="under-way">
        <div className="card-head">
          <h2 id="under-way">{t('links-under-way')}</h2>
          <Link to={`/realms/${id}/jobs`}>{t('jobs')}</Link>
        </div>
        {open.length > 0 ? <JobRows jobs={open} /> : <p className="pad muted">{t('links-none')}</p>}
      </section>
      {dialog === 'edit' && <EditRealm realm={realm.data} onClose={() => setDialog(undefined)} onDelete={() => setDialog('delete')} />}
      {dialog === 'delete' && <DeleteRealm realm={realm.data} onClose={() => setDialog(undefined)} />}
    </>
  );
}

function SetUp({ isDone, to, words, count }: { isDone: boolean; to: string; words: string; count?: number }) {
  return (
    <li>
      <Icon name={isDone ? 'check' : 'plus'} />
      <div className="grow">
        <Link to={to}>{words}</Link>
      </div>
      {count !== undefined && <span className="muted">{count}</span>}
    </li>
  );
}

function EditRealm({ realm, onClose, onDelete }: { realm: Realm; onClose: () => void; onDelete: () => void }) {
  const session = useSession();
  const queries = useQueryClient();
  return (
    <FormDialog
      title={t('realm-edit')}
      action={t('save')}
      onClose={onClose}
      extra={
        realm.id !== session.admin_realm_id && (
          <Button kind="danger-quiet" icon="trash" onPress={onDelete}>
            {t('realm-delete')}
          </Button>
        )
      }
      save={async (form) => {
        await api().updateRealm({ realm_id: realm.id, realm: { display_name: form('display_name') } });
        await queries.invalidateQueries();
        onClose();
      }}
    >
      {(error) => (
        <>
          <Field label={t('realm-name')} name="display_name" defaultValue={realm.display_name} required error={error('realm.display_name')} />
          <dl className="facts-list">
            <dt>{t('realm-id')}</dt>
            <dd>
              <Id value={realm.id} what={t('realm-id')} whole />
            </dd>
            <dt>{t('tenant-id')}</dt>
            <dd>
              <Id value={realm.tenant_id} what={t('tenant-id')} whole />
            </dd>
          </dl>
        </>
      )}
    </FormDialog>
  );
}

function DeleteRealm({ realm, onClose }: { realm: Realm; onClose: () => void }) {
  const go = useGo();
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={t('delete-title', { name: realm.display_name })}
      keep={t('cancel')}
      action={t('realm-delete')}
      pending={t('deleting')}
      word={realm.display_name}
      onClose={onClose}
      act={async () => {
        await api().deleteRealm({ realm_id: realm.id });
        localStorage.removeItem('keymoor-realm');
        await queries.invalidateQueries({ queryKey: ['realms'] });
        await go('/realms');
      }}
    >
      <p>{t('realm-delete-text')}</p>
    </ConfirmDialog>
  );
}
