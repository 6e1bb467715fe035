/** Every address of the console. Screens load when they are first opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { BASE } from './base.ts';
import { ErrorState } from './ui.tsx';
import { Missing, Shell } from './shell.tsx';

const rootRoute = createRootRoute({ component: Shell, notFoundComponent: Missing });

const at = <P extends string>(path: P, load: () => Promise<Record<string, unknown>>, name: string) =>
  createRoute({
    getParentRoute: () => rootRoute,
    path,
    // biome-ignore lint: each module exports a component of this name
    component: lazyRouteComponent(load as never, name as never),
    errorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
  });

const home = () => import('./screens/home.tsx');
const identities = () => import('./screens/identities.tsx');
const identity = () => import('./screens/identity.tsx');
const job = () => import('./screens/job.tsx');
const jobs = () => import('./screens/jobs.tsx');
const applications = () => import('./screens/applications.tsx');
const application = () => import('./screens/application.tsx');
const events = () => import('./screens/events.tsx');
const configs = () => import('./screens/configs.tsx');
const sessions = () => import('./screens/sessions.tsx');

const tree = rootRoute.addChildren([
  at('/', home, 'Start'),
  at('/realms', home, 'Realms'),
  at('/sessions', sessions, 'Sessions'),
  at('/realms/$realm', home, 'Home'),
  at('/realms/$realm/identities', identities, 'Identities'),
  at('/realms/$realm/identities/$identity', identity, 'IdentityPage'),
  at('/realms/$realm/identities/$identity/jobs/$job', job, 'JobPage'),
  at('/realms/$realm/jobs', jobs, 'Jobs'),
  at('/realms/$realm/applications', applications, 'Applications'),
  at('/realms/$realm/applications/$application', application, 'ApplicationPage'),
  at('/realms/$realm/events', events, 'Events'),
  at('/realms/$realm/configs', configs, 'Configs'),
  at('/realms/$realm/configs/$config', configs, 'ConfigPage'),
]);

export const router = createRouter({ routeTree: tree, basepath: BASE || '/', defaultPreload: 'intent' });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
