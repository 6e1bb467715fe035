/** The frame of every screen: sidebar, top bar, palette and keys. */
import { useQuery } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { createContext, lazy, Suspense, use, useEffect, useState } from 'react';
import { api, own, type Session } from './api.ts';
import { BASE } from './base.ts';
import { Icon, type IconName, Mark } from './icons.tsx';
import { t } from './l10n/l10n.ts';
import { Link, useGo, useIds } from './link.tsx';
import { chooseTheme, theme } from './theme.ts';
import { Button, Choice, Dialog } from './ui.tsx';

const Palette = lazy(() => import('./palette.tsx'));

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error('not signed in');
  return session;
}

export function useRealm(realm: string) {
  return useQuery({ queryKey: ['realm', realm], queryFn: () => api().getRealm({ realm_id: realm }), enabled: realm !== '' });
}

/** A group of the navigation: its heading, and its pages with the key that goes there. */
const GROUPS: readonly (readonly [string, readonly (readonly [string, string, IconName, string])[]])[] = [
  ['nav-directory', [['identities', '/identities', 'person', 'i']]],
  [
    'nav-authentication',
    [
      ['applications', '/applications', 'app', 'a'],
      ['configs', '/configs', 'browser', 'c'],
      ['jobs', '/jobs', 'link', 'j'],
    ],
  ],
  ['nav-monitoring', [['events', '/events', 'events', 'e']]],
];

export function Shell() {
  const session = useSession();
  const { realm } = useIds();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const [isOpen, setOpen] = useState(false);
  const [shown, setShown] = useState<'palette' | 'keys' | 'account'>();
  const go = useGo();
  const tenant = useQuery({ queryKey: ['tenant'], queryFn: () => api().getTenant() });
  const current = useRealm(realm);
  useEffect(() => setOpen(false), [path]);
  useEffect(() => {
    document.body.className = 'app';
  }, []);
  useKeys(realm, go, setShown);
  useNewBuild(session);

  return (
    <>
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      <nav className="sidebar" id="sidebar" aria-label={t('nav-console')} data-open={isOpen}>
        <Link className="tenant" to="/realms">
          <Mark />
          <span>{tenant.data?.display_name ?? t('keymoor')}</span>
        </Link>
        <Link className="realm-switch" to="/realms">
          <span className="label">{t('realm')}</span>
          <span className="value">{current.data?.display_name ?? t('realms')}</span>
          <Icon name="updown" />
        </Link>
        <div className="nav">
          {realm && (
            <>
              <ul>
                <li>
                  <Link to={`/realms/${realm}`} isCurrent={path === `/realms/${realm}`}>
                    <Icon name="home" />
                    {t('home')}
                  </Link>
                </li>
              </ul>
              {GROUPS.map(([heading, pages]) => (
                <div key={heading}>
                  <h2 id={heading}>{t(heading)}</h2>
                  <ul aria-labelledby={heading}>
                    {pages.map(([name, rest, icon]) => (
                      <li key={name}>
                        <Link to={`/realms/${realm}${rest}`} isCurrent={path.includes(`/realms/${realm}${rest}`)}>
                          <Icon name={icon} />
                          {t(name)}
                        </Link>
                      </li>
                    ))}
                  </ul>
                </div>
              ))}
            </>
          )}
        </div>
        <button className="account" type="button" aria-haspopup="dialog" onClick={() => setShown('account')}>
          <span className="avatar" aria-hidden="true">
            {session.username.slice(0, 1).toUpperCase()}
          </span>
          <span>
            {session.username}
            <small>{session.display_name}</small>
          </span>
          <Icon name="updown" />
        </button>
      </nav>
      <header className="topbar">
        <button
          className="icon-button only-narrow"
          type="button"
          aria-label={t('menu')}
          aria-expanded={isOpen}
          aria-controls="sidebar"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="menu" />
        </button>
        <Crumbs path={path} realm={realm} realmName={current.data?.display_name} />
        <button className="search-button" type="button" aria-haspopup="dialog" aria-keyshortcuts="Control+K" onClick={() => setShown('palette')}>
          <Icon name="search" />
          <span>{t('search-placeholder')}</span>
          <kbd aria-hidden="true">Ctrl K</kbd>
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <Outlet />
      </main>
      {shown === 'palette' && (
        <Suspense>
          <Palette realm={realm} onClose={() => setShown(undefined)} />
        </Suspense>
      )}
      {shown === 'keys' && <Keys onClose={() => setShown(undefined)} />}
      {shown === 'account' && <Account onClose={() => setShown(undefined)} />}
    </>
  );
}

const NAMES = ['identities', 'applications', 'configs', 'jobs', 'events', 'realms', 'sessions'];

function Crumbs({ path, realm, realmName }: { path: string; realm: string; realmName: string | undefined }) {
  const rest = path.split('/').filter(Boolean);
  const list = rest.find((part) => NAMES.includes(part) && part !== 'realms') ?? (realm ? undefined : 'realms');
  const isDeeper = list !== undefined && rest.at(-1) !== list && realm !== '';
  return (
    <nav className="crumbs" aria-label={t('breadcrumb')}>
      <ol>
        {realm && (
          <li>
            <Link to={`/realms/${realm}`}>{realmName ?? realm}</Link>
          </li>
        )}
        {list && (
          <li>
            {isDeeper ? <Link to={`/realms/${realm}/${list}`}>{t(list)}</Link> : <span aria-current="page">{t(list)}</span>}
          </li>
        )}
      </ol>
    </nav>
  );
}

/** `Ctrl K` searches, `?` shows the keys, `G` and a letter goes to a page. */
function useKeys(realm: string, go: (to: string) => Promise<void>, show: (what: 'palette' | 'keys') => void): void {
  useEffect(() => {
    let afterG = false;
    const press = (event: KeyboardEvent) => {
      if (event.key === 'k' && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        return show('palette');
      }
      const isTyping = (event.target as HTMLElement).closest('input, textarea, select, [role="dialog"], [role="alertdialog"]');
      if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
      if (afterG && realm) {
        const page = GROUPS.flatMap(([, pages]) => pages).find(([, , , key]) => key === event.key);
        if (page) void go(`/realms/${realm}${page[1]}`);
        if (event.key === 'h') void go(`/realms/${realm}`);
      }
      afterG = event.key === 'g';
      if (event.key === '?') show('keys');
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [realm, go, show]);
}

/** After an upgrade of the server this page is yesterday's. It reloads when a screen can't be loaded. */
function useNewBuild(session: Session): void {
  useEffect(() => {
    const reload = () => {
      const before = sessionStorage.getItem('keymoor-build');
      if (before === session.build) return;
      sessionStorage.setItem('keymoor-build', session.build);
      location.reload();
    };
    addEventListener('vite:preloadError', reload);
    return () => removeEventListener('vite:preloadError', reload);
  }, [session]);
}

function Keys({ onClose }: { onClose: () => void }) {
  const pages = GROUPS.flatMap(([, pages]) => pages);
  const keys = [
    ['Ctrl K', t('keys-palette')],
    ['?', t('keys-help')],
    ['G H', t('keys-go', { where: t('home') })],
    ...pages.map(([name, , , key]) => [`G ${key.toUpperCase()}`, t('keys-go', { where: t(name) })]),
  ];
  return (
    <Dialog title={t('keys-title')} size="small" onClose={onClose} foot={<Button onPress={onClose}>{t('close')}</Button>}>
      <dl className="facts-list">
        {keys.map(([key, what]) => (
          <div key={key} style={{ display: 'contents' }}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function Account({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const leave = async () => {
    await own('/sign-out', 'POST');
    location.assign(`${BASE || '/'}?out=1`);
  };
  return (
    <Dialog
      title={session.display_name}
      lede={session.username}
      size="small"
      onClose={onClose}
      foot={
        <>
          <Link className="button" to="/sessions">
            {t('sessions')}
          </Link>
          <Button icon="out" onPress={() => void leave()}>
            {t('sign-out')}
          </Button>
        </>
      }
    >
      <Choice
        label={t('theme')}
        name="theme"
        defaultValue={theme()}
        options={[
          ['system', t('theme-system')],
          ['light', t('theme-light')],
          ['dark', t('theme-dark')],
        ]}
        onChange={chooseTheme}
      />
      <Choice
        label={t('language')}
        name="language"
        defaultValue={document.documentElement.lang}
        options={[
          ['en', 'English'],
          ['de', 'Deutsch'],
        ]}
        onChange={(language) => {
          localStorage.setItem('keymoor-language', language);
          location.reload();
        }}
      />
    </Dialog>
  );
}

export function Missing() {
  return (
    <div className="empty">
      <h1>{t('page-missing')}</h1>
      <p>{t('page-missing-text')}</p>
      <p>
        <Link to="/realms">{t('realms')}</Link>
      </p>
    </div>
  );
}
