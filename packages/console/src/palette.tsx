/** Search by anything, and go anywhere. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from './api.ts';
import { t } from './l10n/l10n.ts';
import { Link } from './link.tsx';
import { findIdentities } from './screens/find.ts';
import { Dialog } from './ui.tsx';

export default function Palette({ realm, onClose }: { realm: string; onClose: () => void }) {
  const [query, setQuery] = useState('');
  const realms = useQuery({ queryKey: ['realms'], queryFn: () => api().listRealms({ page_size: 100 }) });
  const found = useQuery({
    queryKey: ['palette', realm, query],
    queryFn: () => findIdentities(realm, query),
    enabled: query.length > 1 && realm !== '',
  });
  const fits = (words: string) => words.toLowerCase().includes(query.toLowerCase());
  const pages = realm ? ['identities', 'applications', 'configs', 'jobs', 'events'] : [];
  const entries = [
    ...(found.data ?? []).map((one) => [`/realms/${realm}/identities/${one.id}`, one.display_name, one.traits.username] as const),
    ...pages.filter((page) => fits(t(page))).map((page) => [`/realms/${realm}/${page}`, t(page), ''] as const),
    ...(realms.data?.realms ?? [])
      .filter((one) => fits(one.display_name))
      .map((one) => [`/realms/${one.id}`, one.display_name, t('realm')] as const),
  ];
  return (
    <Dialog title={t('palette-title')} onClose={onClose} foot={<span className="push">Esc</span>}>
      <input
        className="input"
        type="search"
        aria-label={t('search-placeholder')}
        placeholder={t('search-placeholder')}
        autoFocus
        onChange={(event) => setQuery(event.target.value.trim())}
      />
      <ul className="rows" onClick={onClose} onKeyDown={() => {}}>
        {entries.map(([to, name, more]) => (
          <li key={to}>
            <div className="grow">
              <Link to={to}>{name}</Link> <small>{more}</small>
            </div>
          </li>
        ))}
        {entries.length === 0 && <li className="muted">{found.isFetching ? t('loading') : t('palette-none')}</li>}
      </ul>
    </Dialog>
  );
}
