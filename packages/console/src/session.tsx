/** Signing in: the entrance, and the dialog that asks again in the middle of something. */
import { Embedded, KeymoorError } from '@keymoor/sdk';
import { useEffect, useRef, useState } from 'react';
import { own, type Ended } from './api.ts';
import { AUTH_HOST } from './base.ts';
import { Contours, Wordmark } from './brand.tsx';
import { Icon } from './icons.tsx';
import { t } from './l10n/l10n.ts';
import { Button, Dialog, ErrorBanner } from './ui.tsx';

interface Started {
  url: string;
  flow: string;
  tenant: string;
  realm_id: string;
}

interface Known {
  id: string;
  name: string;
}

/** Signs in with a passkey. The server redeems the code; this page never has a token. */
async function signIn(started: Started, passkey?: string): Promise<void> {
  const sdk = await Embedded.initialize({ allowedDomains: [location.host, AUTH_HOST] });
  const { redirectUrl } = passkey
    ? await sdk.authenticate(started.url, passkey)
    : await sdk.authenticateFido2(started.url, 'local');
  const answer = new URL(redirectUrl).searchParams;
  const [code, state, iss] = [answer.get('code'), answer.get('state'), answer.get('iss')];
  if (!code || !state) throw new KeymoorError('policy_denied', 'the sign-in was refused');
  await own('/sign-in/finish', 'POST', { flow: started.flow, code, state, iss });
}

/** The passkeys of this browser that belong to the console's realm. */
async function passkeysOf(realm: string): Promise<Known[]> {
  const sdk = await Embedded.initialize({ allowedDomains: [location.host, AUTH_HOST] });
  const passkeys = await sdk.getPasskeys();
  return passkeys
    .filter((passkey) => passkey.realm.id === realm)
    .map(({ id, identity }) => ({ id, name: identity.displayName || identity.username }));
}

function words(error: unknown): string {
  if (error instanceof KeymoorError && (error.code === 'cancelled' || error.code === 'unsupported')) return t('signin-cancelled');
  return t('signin-failed');
}

/** The ways to sign in: each passkey of this browser, and any other. `isEager` begins by itself. */
function Ways({ onSignedIn, isEager }: { onSignedIn: () => void; isEager?: boolean }) {
  const [started, setStarted] = useState<Started>();
  const [known, setKnown] = useState<Known[]>([]);
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<string>();
  const [error, setError] = useState<unknown>();
  const eager = useRef(isEager);

  const begin = async (): Promise<Started> => {
    const started = await own<Started>('/sign-in', 'POST');
    setStarted(started);
    return started;
  };
  const use = async (passkey?: string) => {
    setPending(true);
    setFailure(undefined);
    try {
      // Each request works for one answer.
      await signIn(await begin(), passkey);
      onSignedIn();
    } catch (error) {
      setFailure(words(error));
    }
    setPending(false);
  };
  useEffect(() => {
    const load = async () => {
      const { realm_id } = await begin();
      const known = await passkeysOf(realm_id).catch(() => []);
      setKnown(known);
      const newest = known.at(-1);
      if (eager.current && newest) {
        eager.current = false;
        await use(newest.id);
      }
    };
    load().catch(setError);
  }, []);

  return (
    <>
      {started && <p className="lede">{t('signin-lede', { tenant: started.tenant })}</p>}
      <ErrorBanner error={error} title={t('signin-title')} />
      <ul className="passkey-list">
        {known.map(({ id, name }) => (
          <li key={id}>
            <button className="passkey-button" type="button" disabled={isPending} onClick={() => void use(id)}>
              <Icon name="key" />
              <span>
                {name}
                <small>{isPending ? t('signin-working') : t('signin-here')}</small>
              </span>
              <Icon name="right" />
            </button>
          </li>
        ))}
      </ul>
      {known.length === 0 && (
        <Button kind="primary" icon="key" isPending={isPending} pending={t('signin-working')} isDisabled={!started} onPress={() => void use()}>
          {t('signin-button')}
        </Button>
      )}
      {failure && (
        <p className="banner red" role="alert">
          {failure}
        </p>
      )}
    </>
  );
}

export function SignIn({ onSignedIn, notice, isEager }: { onSignedIn: () => void; notice?: string | undefined; isEager?: boolean }) {
  useEffect(() => {
    document.title = `${t('signin-title')} · ${t('keymoor')}`;
    document.body.className = 'entrance';
    return () => {
      document.body.className = 'app';
    };
  }, []);
  return (
    <>
      <Contours />
      <main>
        <div className="box">
          <div className="brand">
            <Wordmark />
          </div>
          <h1>{t('signin-title')}</h1>
          {notice && (
            <p className="banner" role="status">
              {notice}
            </p>
          )}
          <Ways onSignedIn={onSignedIn} {...(isEager && { isEager })} />
          <p className="below">{t('signin-first-start')}</p>
        </div>
      </main>
      <footer>{AUTH_HOST}</footer>
    </>
  );
}

/** Keeps the page and what was typed in it, and goes on when the person has signed in. */
export function SignInAgain({ why, onSignedIn, onLeave }: { why: Ended; onSignedIn: () => void; onLeave: () => void }) {
  return (
    <Dialog
      title={why === 'idle' ? t('session-idle-title') : t('signin-title')}
      size="small"
      isLocked
      onClose={() => {}}
      foot={<Button onPress={onLeave}>{t('sign-out')}</Button>}
    >
      <p>{t(`session-${why}`)}</p>
      <Ways onSignedIn={onSignedIn} />
    </Dialog>
  );
}
