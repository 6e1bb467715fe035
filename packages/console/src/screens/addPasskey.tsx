/** Add a passkey: mail the link, show how to ask the API for it, or show it here. */
import type { Application, Identity } from '@keymoor/api-client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useId, useRef, useState } from 'react';
import { api } from '../api.ts';
import { Icon, type IconName } from '../icons.tsx';
import { t } from '../l10n/l10n.ts';
import { useGo } from '../link.tsx';
import { useSession } from '../shell.tsx';
import { Button, Choice, Code, Dialog, ErrorBanner, Field, fieldError, textOf } from '../ui.tsx';
import { Qr } from './qr.tsx';

type Way = 'EMAIL' | 'CURL' | 'SHOW';

interface Choices {
  config: string;
  way: Way;
  lifetime: number;
  then: string;
}

const LIFETIMES = [
  ['604800', 'days-7'],
  ['3600', 'hours-1'],
  ['86400', 'days-1'],
  ['2592000', 'days-30'],
] as const;

export function AddPasskey({ person, onClose }: { person: Identity; onClose: () => void }) {
  const apps = useQuery({
    queryKey: ['apps-that-sign-in', person.realm_id],
    queryFn: async () => {
      const [applications, configs] = await Promise.all([
        api().listApplications({ realm_id: person.realm_id, page_size: 100 }),
        api().listAuthenticatorConfigs({ realm_id: person.realm_id, page_size: 100 }),
      ]);
      return targets(
        applications.applications,
        configs.authenticator_configs.map(({ id, display_name }) => [id, display_name ?? id] as const),
      );
    },
  });
  const [shown, setShown] = useState<{ link: string; job: string } | { curl: string }>();
  const lede = t('add-for', { name: person.display_name, username: person.traits.username });
  if (shown && 'curl' in shown) return <Curl lede={lede} curl={shown.curl} onClose={onClose} />;
  if (shown) return <Shown person={person} {...shown} onClose={onClose} />;
  return <Ask person={person} lede={lede} apps={apps.data} error={apps.error} onShow={setShown} onClose={onClose} />;
}

/** What can be bound for: each application that signs people in, then configs that none uses. */
function targets(applications: readonly Application[], configs: readonly (readonly [string, string])[]): [string, string][] {
  const used = applications.flatMap(({ authenticator_config_id: id, display_name }): [string, string][] => (id ? [[id, display_name]] : []));
  const taken = new Set(used.map(([id]) => id));
  return [...used, ...configs.filter(([id]) => !taken.has(id)).map(([id, name]): [string, string] => [id, name])];
}

function Ask({
  person,
  lede,
  apps,
  error: loading,
  onShow,
  onClose,
}: {
  person: Identity;
  lede: string;
  apps: [string, string][] | undefined;
  error: unknown;
  onShow: (shown: { link: string; job: string } | { curl: string }) => void;
  onClose: () => void;
}) {
  const id = useId();
  const go = useGo();
  const session = useSession();
  const address = person.traits.primary_email_address;
  const [way, setWay] = useState<Way>(address ? 'EMAIL' : 'SHOW');
  const [error, setError] = useState<unknown>();
  const [isPending, setPending] = useState(false);
  const begun = useRef(false);
  const at = { realm_id: person.realm_id, identity_id: person.id };
  const act = async ({ config, way, lifetime, then }: Choices) => {
    const job = {
      delivery_method: way === 'EMAIL' ? ('EMAIL' as const) : ('RETURN' as const),
      authenticator_config_id: config,
      expires_in: lifetime,
      ...(then && { post_binding_redirect_uri: then }),
    };
    if (way === 'CURL') return onShow({ curl: curlOf(session.api_url, person, job) });
    const made = await api().createCredentialBindingJob({ ...at, job });
    const { id: jobId } = made.credential_binding_job;
    if (made.credential_binding_link) return onShow({ link: made.credential_binding_link, job: jobId });
    await go(`/realms/${person.realm_id}/identities/${person.id}/jobs/${jobId}`);
  };
  const submit = async (form: FormData) => {
    // A second press must not make a second link.
    if (begun.current) return;
    begun.current = true;
    setPending(true);
    setError(undefined);
    try {
      await act({ config: textOf(form, 'config'), way, lifetime: Number(textOf(form, 'lifetime')), then: textOf(form, 'then') });
    } catch (error) {
      setError(error);
    }
    begun.current = false;
    setPending(false);
  };
  const actions: Record<Way, string> = { EMAIL: t('send-link'), CURL: t('show-curl'), SHOW: t('show-link') };
  return (
    <Dialog
      title={t('add-title')}
      lede={lede}
      onClose={onClose}
      isLocked={isPending}
      foot={
        <>
          <Button onPress={onClose} isDisabled={isPending}>
            {t('cancel')}
          </Button>
          <button className="button primary" type="submit" form={id} aria-disabled={isPending || undefined} disabled={!apps || apps.length === 0}>
            {isPending ? t(way === 'EMAIL' ? 'sending' : 'creating') : actions[way]}
          </button>
        </>
      }
    >
      <ErrorBanner error={error ?? loading} />
      <form
        id={id}
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(new FormData(event.currentTarget));
        }}
      >
        {apps && apps.length > 0 && <Choice label={t('add-app')} name="config" options={apps} hint={t('add-app-hint')} />}
        {apps?.length === 0 && (
          <p className="banner amber">
            <Icon name="info" />
            <span>{t('add-app-none')}</span>
          </p>
        )}
        <fieldset className="field">
          <legend className="label">{t('add-how')}</legend>
          <div className="choices">
            <WayCard way="EMAIL" icon="mail" current={way} onChange={setWay} title={t('add-mail')} isDisabled={!address}>
              {address ? t('add-mail-hint', { address }) : t('add-mail-missing')}
            </WayCard>
            <WayCard way="CURL" icon="terminal" current={way} onChange={setWay} title={t('add-curl')}>
              {t('add-curl-hint')}
            </WayCard>
            <WayCard way="SHOW" icon="qr" current={way} onChange={setWay} title={t('add-show')}>
              {t('add-show-hint')}
            </WayCard>
          </div>
        </fieldset>
        <div className="form-row">
          <Choice label={t('add-lifetime')} name="lifetime" options={LIFETIMES.map(([seconds, words]) => [seconds, t(words)] as const)} />
          <Field label={t('add-then')} name="then" isOptional placeholder="https://" error={fieldError(error, 'job.post_binding_redirect_uri')} />
        </div>
      </form>
    </Dialog>
  );
}

function WayCard({
  way,
  icon,
  current,
  onChange,
  title,
  isDisabled = false,
  children,
}: {
  way: Way;
  icon: IconName;
  current: Way;
  onChange: (way: Way) => void;
  title: string;
  isDisabled?: boolean;
  children: ReactNode;
}) {
  return (
    <label className="choice">
      <input type="radio" name="way" value={way} checked={current === way} disabled={isDisabled} onChange={() => onChange(way)} />
      <Icon name={icon} />
      <span>
        <strong>{title}</strong>
        <small>{children}</small>
      </span>
    </label>
  );
}

/** The command for a shell. JSON has no single quote that isn't escaped. */
function curlOf(apiUrl: string, person: Identity, job: object): string {
  const url = `${apiUrl}/v1/tenants/${person.tenant_id}/realms/${person.realm_id}/identities/${person.id}/credential-binding-jobs`;
  const body = JSON.stringify({ job }).replaceAll("'", '\\u0027');
  return `curl '${url}' \\\n  -H "Authorization: Bearer $TOKEN" \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}

function Curl({ lede, curl, onClose }: { lede: string; curl: string; onClose: () => void }) {
  return (
    <Dialog title={t('curl-title')} lede={lede} size="large" onClose={onClose} foot={<Button onPress={onClose}>{t('close')}</Button>}>
      <p>{t('curl-text')}</p>
      <Code value={curl} what="curl" />
    </Dialog>
  );
}

function Shown({ person, link, job, onClose }: { person: Identity; link: string; job: string; onClose: () => void }) {
  const go = useGo();
  return (
    <Dialog
      title={t('add-shown-title', { name: person.display_name })}
      onClose={onClose}
      foot={
        <Button kind="primary" onPress={() => void go(`/realms/${person.realm_id}/identities/${person.id}/jobs/${job}`)}>
          {t('follow')}
        </Button>
      }
    >
      <p>{t('add-shown')}</p>
      <Qr text={link} />
      <Code value={link} what={t('link')} />
    </Dialog>
  );
}
