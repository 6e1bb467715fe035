/** The console: signed out it is the entrance, signed in the shell with a screen for each address. */
import './styles/tokens.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/content.css';
import './styles/charts.css';
import './styles/app.css';
import './styles/narrow.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode, useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { connect, type Ended, onSessionEnd, own, type Session } from './api.ts';
import { BASE, root } from './base.ts';
import { Mark } from './icons.tsx';
import { loadWords, t } from './l10n/l10n.ts';
import { router } from './router.tsx';
import { SignIn, SignInAgain } from './session.tsx';
import { SessionContext } from './shell.tsx';
import { applyTheme } from './theme.ts';

const queries = new QueryClient({
  defaultOptions: { queries: { retry: false }, mutations: { retry: false } },
});

function Console() {
  const [session, setSession] = useState<Session>();
  const [isSignedOut, setSignedOut] = useState(false);
  const [again, setAgain] = useState<{ why: Ended; go: () => void }>();

  const load = async () => {
    try {
      const found = await own<Session>('/session');
      if (!found.tenant_id) return setSignedOut(true);
      connect(found);
      setSession(found);
      setSignedOut(false);
      const { pathname } = location;
      if (pathname.endsWith('/sign-in') || pathname.endsWith('/callback')) history.replaceState({}, '', BASE || '/');
    } catch {
      setSignedOut(true);
    }
  };
  useEffect(() => {
    void load();
    onSessionEnd((why) => new Promise((go) => setAgain({ why, go })));
  }, []);

  const signedIn = async () => {
    again?.go();
    setAgain(undefined);
    const found = await own<Session>('/session');
    // Somebody else signed in: nothing of the one before may stay.
    if (session && found.identity_id !== session.identity_id) location.assign(BASE || '/');
  };

  if (session) {
    return (
      <SessionContext value={session}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
          {again && <SignInAgain why={again.why} onSignedIn={() => void signedIn()} onLeave={() => location.assign(BASE || '/')} />}
        </QueryClientProvider>
      </SessionContext>
    );
  }
  if (!isSignedOut) return <Mark />;
  const reason = new URLSearchParams(location.search).get('out');
  return (
    <SignIn
      onSignedIn={() => void load()}
      notice={reason === '1' ? t('signed-out') : undefined}
      isEager={location.pathname.endsWith('/sign-in')}
    />
  );
}

applyTheme();
await loadWords();
createRoot(root).render(
  <StrictMode>
    <Console />
  </StrictMode>,
);
