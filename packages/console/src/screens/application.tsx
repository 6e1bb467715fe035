/** One application: External Protocol, Authenticator Config, API Tokens. */
import type { Application, ApplicationRequest } from '@keymoor/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { api } from '../api.ts';
import { Icon } from '../icons.tsx';
import { t } from '../l10n/l10n.ts';
import { Link, useGo, useIds } from '../link.tsx';
import { useSession } from '../shell.tsx';
import { Button, Choice, Code, ConfirmDialog, Copy, Empty, ErrorBanner, ErrorState, Field, fieldError, Id, linesOf, Loading, PageHead, textOf, Time } from '../ui.tsx';
import { useConfigs } from './applications.tsx';
import { Tabs } from './tabs.tsx';

export function ApplicationPage() {
  const { realm, application: id } = useIds();
  const at = { realm_id: realm, application_id: id };
  const [tab, setTab] = useState('external');
  const [isDeleting, setDeleting] = useState(false);
  const go = useGo();
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ['application', id], queryFn: () => api().getApplication(at) });
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  const app = query.data;
  if (!app) return <Loading />;
  const save = async (application: ApplicationRequest) => {
    await api().updateApplication({ ...at, application });
    await Promise.all([query.refetch(), queries.invalidateQueries({ queryKey: ['applications', realm] })]);
  };
  return (
    <>
      <PageHead
        title={app.display_name}
        facts={
          <>
            {app.is_managed && <span className="tag">{t('managed')}</span>}
            <Id value={id} what={t('id')} whole />
          </>
        }
      >
        {!app.is_managed && (
          <Button kind="danger-quiet" icon="trash" onPress={() => setDeleting(true)}>
            {t('delete')}
          </Button>
        )}
      </PageHead>
      <Tabs
        current={tab}
        onChange={setTab}
        tabs={[
          ['external', t('app-external')],
          ['config', t('app-config')],
          ['tokens', t('app-tokens')],
        ]}
      />
      {tab === 'external' && <External key={app.display_name} app={app} save={save} />}
      {tab === 'config' && <Config app={app} save={save} />}
      {tab === 'tokens' && <Tokens app={app} />}
      {isDeleting && (
        <ConfirmDialog
          title={t('delete-title', { name: app.display_name })}
          keep={t('cancel')}
          action={t('delete')}
          pending={t('deleting')}
          word={app.display_name}
          onClose={() => setDeleting(false)}
          act={async () => {
            await api().deleteApplication(at);
            await queries.invalidateQueries({ queryKey: ['applications', realm] });
            await go(`/realms/${realm}/applications`);
          }}
        >
          <p>{t('delete-text')}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function Secret({ value }: { value: string }) {
  const [isShown, setShown] = useState(false);
  return (
    <span className="id">
      <code>{isShown ? value : '••••••••••••••••••••••••'}</code>
      <button className="copy" type="button" aria-label={t(isShown ? 'secret-hide' : 'secret-show')} onClick={() => setShown(!isShown)}>
        <Icon name="eye" />
      </button>
      <Copy value={value} what="Client Secret" />
    </span>
  );
}

const ENDPOINTS = [
  ['JWKS URI', '/.well-known/jwks.json'],
  ['Authorization Endpoint', '/authorize'],
  ['Token Endpoint', '/token'],
  ['User Info Endpoint', '/userinfo'],
] as const;

function useSaving(save: (application: ApplicationRequest) => Promise<unknown>) {
  const [error, setError] = useState<unknown>();
  const [isPending, setPending] = useState(false);
  const submit = (of: (form: FormData) => ApplicationRequest) => async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isPending) return;
    setPending(true);
    setError(undefined);
    try {
      await save(of(new FormData(event.currentTarget)));
    } catch (error) {
      setError(error);
    }
    setPending(false);
  };
  return { error, isPending, submit };
}

function External({ app, save }: { app: Application; save: (application: ApplicationRequest) => Promise<unknown> }) {
  const session = useSession();
  const config = app.protocol_config;
  const issuer = `${session.auth_url}/v1/tenants/${app.tenant_id}/realms/${app.realm_id}/applications/${app.id}`;
  const { error, isPending, submit } = useSaving(save);
  const wrong = (field: string) => fieldError(error, `application.${field}`);
  const change = submit((form) => ({
    display_name: textOf(form, 'display_name'),
    protocol_config: {
      redirect_uris: linesOf(form, 'redirect_uris'),
      allowed_scopes: textOf(form, 'allowed_scopes').split(/\s+/).filter(Boolean),
      pkce: textOf(form, 'pkce') as 's256',
      token_configuration: {
        expires_after: Number(textOf(form, 'expires_after')),
        subject_field: textOf(form, 'subject_field') as 'id',
        token_signing_algorithm: textOf(form, 'algorithm') as 'ES256',
      },
    },
  }));
  return (
    <form onSubmit={(event) => void change(event)}>
      <section className="form-section" aria-labelledby="s1">
        <div>
          <h2 id="s1">{t('app-addresses')}</h2>
          <p>{t('app-addresses-text')}</p>
        </div>
        <div className="form">
          {[['Issuer', ''] as const, ['Discovery Endpoint', '/.well-known/openid-configuration'] as const, ...ENDPOINTS].map(([name, path]) => (
            <div className="field" key={name}>
              <span className="label">{name}</span>
              <Code value={issuer + path} what={name} />
            </div>
          ))}
        </div>
      </section>
      <section className="form-section" aria-labelledby="s2">
        <div>
          <h2 id="s2">{t('app-client')}</h2>
          <p>{t('app-client-text')}</p>
        </div>
        <div className="form">
          <Field label={t('display-name')} name="display_name" defaultValue={app.display_name} error={wrong('display_name')} />
          <dl className="facts-list">
            <dt>Protocol</dt>
            <dd>{config.type === 'oidc' ? 'OIDC' : 'OAuth2'}</dd>
            <dt>Client Type</dt>
            <dd>{config.confidentiality === 'public' ? 'Public' : 'Confidential'}</dd>
            <dt>Token Endpoint Auth Method</dt>
            <dd>{config.token_endpoint_auth_method}</dd>
            <dt>Grant Type</dt>
            <dd>{config.grant_type.join(', ')}</dd>
            <dt>Client ID</dt>
            <dd>
              <Id value={config.client_id} what="Client ID" whole />
            </dd>
            {config.client_secret && (
              <>
                <dt>Client Secret</dt>
                <dd>
                  <Secret value={config.client_secret} />
                </dd>
              </>
            )}
            <dt>Token Format</dt>
            <dd>{config.token_format}</dd>
          </dl>
          <Field label="Redirect URIs" name="redirect_uris" lines={3} hint={t('one-a-line')} defaultValue={config.redirect_uris.join('\n')} error={wrong('protocol_config.redirect_uris')} />
          <Choice
            label="PKCE"
            name="pkce"
            defaultValue={config.pkce}
            options={[
              ['disabled', 'Disabled'],
              ['plain', 'Plain'],
              ['s256', 'S256'],
            ]}
          />
        </div>
      </section>
      <section className="form-section" aria-labelledby="s3">
        <div>
          <h2 id="s3">{t('app-token-conf')}</h2>
        </div>
        <div className="form">
          <Field label="Allowed Scopes" name="allowed_scopes" lines={2} defaultValue={config.allowed_scopes.join(' ')} error={wrong('protocol_config.allowed_scopes')} />
          <Field label="Expires (s)" name="expires_after" defaultValue={String(config.token_configuration.expires_after)} error={wrong('protocol_config.token_configuration.expires_after')} />
          <Choice
            label="Subject"
            name="subject_field"
            defaultValue={config.token_configuration.subject_field ?? 'id'}
            options={['id', 'email', 'username', 'external_id'].map((name) => [name, name] as const)}
          />
          <Choice
            label="Token Signing Algorithm"
            name="algorithm"
            defaultValue={config.token_configuration.token_signing_algorithm ?? 'RS256'}
            options={['RS256', 'ES256'].map((name) => [name, name] as const)}
          />
        </div>
      </section>
      <ErrorBanner error={error} />
      {!app.is_managed && (
        <div className="save-bar">
          <span />
          <Button kind="primary" type="submit" isPending={isPending} pending={t('saving')}>
            {t('save')}
          </Button>
        </div>
      )}
    </form>
  );
}

function Config({ app, save }: { app: Application; save: (application: ApplicationRequest) => Promise<unknown> }) {
  const configs = useConfigs(app.realm_id);
  const { error, isPending, submit } = useSaving(save);
  const change = submit((form) => ({ authenticator_config_id: textOf(form, 'config') }));
  if (!configs.data) return configs.isError ? <ErrorState error={configs.error} onRetry={() => void configs.refetch()} /> : <Loading />;
  const options = configs.data.map((config) => [config.id, config.display_name ?? config.id] as const);
  return (
    <form className="card pad stack" onSubmit={(event) => void change(event)}>
      <ErrorBanner error={error} />
      <Choice label={t('app-config')} name="config" defaultValue={app.authenticator_config_id ?? ''} options={[['', t('config-none')], ...options]} hint={t('configs-empty-text')} />
      {app.authenticator_config_id && (
        <p>
          <Id value={app.authenticator_config_id} what={t('app-config')} whole />{' '}
          <Link to={`/realms/${app.realm_id}/configs/${app.authenticator_config_id}`}>{t('configs')}</Link>
        </p>
      )}
      {!app.is_managed && (
        <div>
          <Button kind="primary" type="submit" isPending={isPending} pending={t('saving')}>
            {t('save')}
          </Button>
        </div>
      )}
    </form>
  );
}

function Tokens({ app }: { app: Application }) {
  const at = { realm_id: app.realm_id, application_id: app.id };
  const list = useQuery({ queryKey: ['tokens', app.id], queryFn: () => api().listTokens({ ...at, page_size: 100 }) });
  const [revoking, setRevoking] = useState<string>();
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (!list.data) return <Loading />;
  const { tokens } = list.data;
  return (
    <section className="card" aria-label={t('app-tokens')}>
      {tokens.length === 0 && <Empty title={t('tokens-empty')} text="" />}
      {tokens.length > 0 && (
        <div className="table-frame">
          <table aria-label={t('app-tokens')}>
            <thead>
              <tr>
                <th>{t('id')}</th>
                <th className="p1">{t('issued')}</th>
                <th>{t('expires')}</th>
                <th>
                  <span className="visually-hidden">{t('actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tokens.map((token) => (
                <tr key={token.id}>
                  <td>
                    <Id value={token.id} what={t('id')} />
                  </td>
                  <td className="p1">
                    <Time at={new Date(token.issued_at * 1000).toISOString()} />
                  </td>
                  <td>
                    <Time at={new Date(token.expires * 1000).toISOString()} />
                  </td>
                  <td className="num">
                    <Button kind="small quiet danger-quiet" onPress={() => setRevoking(token.id)}>
                      {t('revoke')}
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {revoking && (
        <ConfirmDialog
          title={`${t('revoke')}?`}
          keep={t('cancel')}
          action={t('revoke')}
          pending={t('revoking')}
          onClose={() => setRevoking(undefined)}
          act={async () => {
            await api().revokeToken({ ...at, token_id: revoking });
            await list.refetch();
          }}
        >
          <Id value={revoking} what={t('id')} whole />
        </ConfirmDialog>
      )}
    </section>
  );
}
