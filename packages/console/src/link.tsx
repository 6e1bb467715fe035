/** Links within the console, by the path below its own. */
import { useNavigate, useParams, Link as RouterLink } from '@tanstack/react-router';
import type { ReactNode } from 'react';

export function Link({
  to,
  children,
  className,
  isCurrent,
  role,
  isSelected,
}: {
  to: string;
  children: ReactNode;
  className?: string;
  isCurrent?: boolean;
  role?: 'tab';
  isSelected?: boolean;
}) {
  const props = {
    ...(className && { className }),
    ...(role && { role }),
    ...(isSelected !== undefined && { 'aria-selected': isSelected }),
    'aria-current': isCurrent ? ('page' as const) : undefined,
  };
  return (
    <RouterLink to={to as never} activeOptions={{ exact: true }} activeProps={{}} {...props}>
      {children}
    </RouterLink>
  );
}

export function useGo(): (to: string) => Promise<void> {
  const navigate = useNavigate();
  return (to) => navigate({ to: to as never });
}

/** The ids of the address. */
export function useIds(): { realm: string; identity: string; job: string; application: string; config: string } {
  const ids: Record<string, string | undefined> = useParams({ strict: false });
  const id = (name: string) => ids[name] ?? '';
  return { realm: id('realm'), identity: id('identity'), job: id('job'), application: id('application'), config: id('config') };
}
