/** The applications of a realm. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { t } from '../l10n/l10n.ts';
import { Link, useGo, useIds } from '../link.tsx';
import { Button, Choice, Empty, ErrorState, Field, Id, linesOf, Loading, PageHead } from '../ui.tsx';
import { FormDialog } from './formDialog.tsx';
import { Pager, usePages } from './pages.tsx';

export function Applications() {
  const { realm } = useIds();
  const [isAdding, setAdding] = useState(false);
  const list = usePages(['applications', realm], (page) => api().listApplications({ realm_id: realm, page_size: 100, ...page }));
  if (list.error) return <ErrorState error={list.error} onRetry={list.retry} />;
  const apps = list.page?.applications;
  return (
    <>
      <PageHead title={t('applications')} count={list.page?.total_size}>
        <Button kind="primary" icon="plus" onPress={() => setAdding(true)}>
          {t('app-add')}
        </Button>
      </PageHead>
      {!apps && <Loading />}
      {apps?.length === 0 && (
        <section className="card">
          <Empty title={t('apps-empty')} text={t('apps-empty-text')} />
        </section>
      )}
      {apps && apps.length > 0 && (
        <div className="table-frame">
          <table aria-label={t('applications')}>
            <thead>
              <tr>
                <th>{t('name')}</th>
                <th className="p1">Protocol</th>
                <th className="p2">Grant Type</th>
                <th className="p1">{t('id')}</th>
              </tr>
            </thead>
            <tbody>
              {apps.map((app) => (
                <tr key={app.id}>
                  <td>
                    <Link to={`/realms/${realm}/applications/${app.id}`}>{app.display_name}</Link>{' '}
                    {app.is_managed && <span className="tag">{t('managed')}</span>}
                  </td>
                  <td className="p1">{app.protocol_config.type === 'oidc' ? 'OIDC' : 'OAuth2'}</td>
                  <td className="p2">{app.protocol_config.grant_type.join(', ')}</td>
                  <td className="p1">
                    <Id value={app.id} what={t('id')} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <Pager list={list} size={100} shown={apps.length} />
        </div>
      )}
      {isAdding && <AddApplication realm={realm} onClose={() => setAdding(false)} />}
    </>
  );
}

export function useConfigs(realm: string) {
  return useQuery({
    queryKey: ['configs', realm, 'all'],
    queryFn: async () => (await api().listAuthenticatorConfigs({ realm_id: realm, page_size: 100 })).authenticator_configs,
  });
}

function AddApplication({ realm, onClose }: { realm: string; onClose: () => void }) {
  const go = useGo();
  const queries = useQueryClient();
  const configs = useConfigs(realm);
  const [kind, setKind] = useState('oidc');
  const options = (configs.data ?? []).map((config) => [config.id, config.display_name ?? config.id] as const);
  return (
    <FormDialog
      title={t('app-add')}
      action={t('app-add')}
      onClose={onClose}
      save={async (value, form) => {
        const config = value('config');
        const isProgram = kind === 'program';
        const app = await api().createApplication({
          realm_id: realm,
          application: {
            display_name: value('display_name'),
            ...(config && !isProgram && { authenticator_config_id: config }),
            protocol_config: {
              type: isProgram ? 'oauth2' : 'oidc',
              confidentiality: value('confidentiality') === 'public' ? 'public' : 'confidential',
              grant_type: [isProgram ? 'client_credentials' : 'authorization_code'],
              ...(!isProgram && { redirect_uris: linesOf(form, 'redirect_uris'), pkce: 's256' as const }),
            },
          },
        });
        await queries.invalidateQueries({ queryKey: ['applications', realm] });
        await go(`/realms/${realm}/applications/${app.id}`);
      }}
    >
      {(error) => (
        <>
          <Field label={t('display-name')} name="display_name" autoFocus required error={error('application.display_name')} />
          <Choice
            label="Protocol"
            name="kind"
            options={[
              ['oidc', 'OIDC · authorization code'],
              ['program', 'OAuth2 · client credentials'],
            ]}
            onChange={setKind}
          />
          {kind === 'oidc' && (
            <>
              <Choice
                label="Client Type"
                name="confidentiality"
                options={[
                  ['confidential', 'Confidential'],
                  ['public', 'Public'],
                ]}
              />
              <Field label="Redirect URIs" name="redirect_uris" lines={3} hint={t('one-a-line')} error={error('application.protocol_config.redirect_uris')} />
              <Choice label={t('app-config')} name="config" options={[['', t('config-none')], ...options]} />
            </>
          )}
        </>
      )}
    </FormDialog>
  );
}
