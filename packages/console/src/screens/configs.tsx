/** Authenticator configs: on which page people bind and sign in. */
import type { AuthenticatorConfig } from '@keymoor/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { t } from '../l10n/l10n.ts';
import { Link, useGo, useIds } from '../link.tsx';
import { Button, Choice, ConfirmDialog, Empty, ErrorState, Field, Id, linesOf, Loading, PageHead } from '../ui.tsx';
import { FormDialog } from './formDialog.tsx';
import { Pager, usePages } from './pages.tsx';

export function Configs() {
  const { realm } = useIds();
  const [isAdding, setAdding] = useState(false);
  const list = usePages(['configs', realm], (page) => api().listAuthenticatorConfigs({ realm_id: realm, page_size: 100, ...page }));
  if (list.error) return <ErrorState error={list.error} onRetry={list.retry} />;
  const configs = list.page?.authenticator_configs;
  return (
    <>
      <PageHead title={t('configs')} count={list.page?.total_size}>
        <Button kind="primary" icon="plus" onPress={() => setAdding(true)}>
          {t('config-add')}
        </Button>
      </PageHead>
      {!configs && <Loading />}
      {configs?.length === 0 && (
        <section className="card">
          <Empty title={t('configs-empty')} text={t('configs-empty-text')} />
        </section>
      )}
      {configs && configs.length > 0 && (
        <div className="table-frame">
          <table aria-label={t('configs')}>
            <thead>
              <tr>
                <th>{t('name')}</th>
                <th className="p1">Configuration Type</th>
                <th className="p2">Invoke URL</th>
                <th className="p1">{t('id')}</th>
              </tr>
            </thead>
            <tbody>
              {configs.map((config) => (
                <tr key={config.id}>
                  <td>
                    <Link to={`/realms/${realm}/configs/${config.id}`}>{config.display_name ?? config.id}</Link>{' '}
                    {config.is_managed && <span className="tag">{t('managed')}</span>}
                  </td>
                  <td className="p1">{config.config.type === 'embedded' ? 'Embedded SDK' : 'Hosted Web'}</td>
                  <td className="p2 clip">{config.config.type === 'embedded' ? config.config.invoke_url : ''}</td>
                  <td className="p1">
                    <Id value={config.id} what={t('app-config')} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <Pager list={list} size={100} shown={configs.length} />
        </div>
      )}
      {isAdding && <EditConfig realm={realm} onClose={() => setAdding(false)} />}
    </>
  );
}

function EditConfig({ realm, config, onClose }: { realm: string; config?: AuthenticatorConfig; onClose: () => void }) {
  const queries = useQueryClient();
  const go = useGo();
  const embedded = config?.config.type === 'embedded' ? config.config : undefined;
  return (
    <FormDialog
      title={config ? (config.display_name ?? t('app-config')) : t('config-add')}
      action={config ? t('save') : t('config-add')}
      onClose={onClose}
      save={async (value, form) => {
        const name = value('display_name');
        const authenticator_config = {
          ...(name && { display_name: name }),
          config: {
            ...(!config && { type: 'embedded' as const }),
            invocation_type: value('invocation_type') as 'automatic',
            invoke_url: value('invoke_url'),
            trusted_origins: linesOf(form, 'trusted_origins'),
          },
        };
        const saved = config
          ? await api().updateAuthenticatorConfig({ realm_id: realm, authenticator_config_id: config.id, authenticator_config })
          : await api().createAuthenticatorConfig({ realm_id: realm, authenticator_config });
        await Promise.all([queries.invalidateQueries({ queryKey: ['configs', realm] }), queries.invalidateQueries({ queryKey: ['config'] })]);
        await go(`/realms/${realm}/configs/${saved.id}`);
      }}
    >
      {(error) => (
        <>
          <Field label={t('display-name')} name="display_name" isOptional defaultValue={config?.display_name ?? ''} error={error('authenticator_config.display_name')} />
          <Choice
            label="Invocation Type"
            name="invocation_type"
            defaultValue={embedded?.invocation_type ?? 'automatic'}
            options={[
              ['automatic', 'Automatic'],
              ['manual', 'Manual'],
            ]}
          />
          <Field label="Invoke URL" name="invoke_url" required defaultValue={embedded?.invoke_url ?? ''} error={error('authenticator_config.config.invoke_url')} />
          <Field
            label="Trusted Origins"
            name="trusted_origins"
            lines={3}
            hint={t('one-a-line')}
            defaultValue={embedded?.trusted_origins?.join('\n') ?? ''}
            error={error('authenticator_config.config.trusted_origins')}
          />
          {config && <p className="muted">{t('config-snapshot')}</p>}
        </>
      )}
    </FormDialog>
  );
}

export function ConfigPage() {
  const { realm, config: id } = useIds();
  const at = { realm_id: realm, authenticator_config_id: id };
  const [dialog, setDialog] = useState<'edit' | 'delete'>();
  const go = useGo();
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ['config', id], queryFn: () => api().getAuthenticatorConfig(at) });
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  const config = query.data;
  if (!config) return <Loading />;
  const embedded = config.config.type === 'embedded' ? config.config : undefined;
  const name = config.display_name ?? config.id;
  return (
    <>
      <PageHead
        title={name}
        facts={
          <>
            {config.is_managed && <span className="tag">{t('managed')}</span>}
            <Id value={id} what={t('app-config')} whole />
          </>
        }
      >
        {!config.is_managed && (
          <>
            <Button kind="danger-quiet" icon="trash" onPress={() => setDialog('delete')}>
              {t('delete')}
            </Button>
            {embedded && (
              <Button kind="primary" icon="edit" onPress={() => setDialog('edit')}>
                {t('realm-edit').split(' ')[0]}
              </Button>
            )}
          </>
        )}
      </PageHead>
      <section className="card" aria-label={t('app-config')}>
        <dl className="facts-list lined pad">
          <dt>Configuration Type</dt>
          <dd>{embedded ? 'Embedded SDK' : 'Hosted Web'}</dd>
          {embedded && (
            <>
              <dt>Invocation Type</dt>
              <dd>{embedded.invocation_type}</dd>
              <dt>Invoke URL</dt>
              <dd className="wrap">{embedded.invoke_url}</dd>
              <dt>Trusted Origins</dt>
              <dd className="wrap">{embedded.trusted_origins?.join(', ')}</dd>
            </>
          )}
        </dl>
      </section>
      {dialog === 'edit' && <EditConfig realm={realm} config={config} onClose={() => setDialog(undefined)} />}
      {dialog === 'delete' && (
        <ConfirmDialog
          title={t('delete-title', { name })}
          keep={t('cancel')}
          action={t('delete')}
          pending={t('deleting')}
          onClose={() => setDialog(undefined)}
          act={async () => {
            await api().deleteAuthenticatorConfig(at);
            await queries.invalidateQueries({ queryKey: ['configs', realm] });
            await go(`/realms/${realm}/configs`);
          }}
        >
          <p className="muted">{t('config-snapshot')}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
