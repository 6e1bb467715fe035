/** The events of a realm, with filters as chips. */
import { type FormEvent, useEffect, useState } from 'react';
import { Icon } from '../icons.tsx';
import { t } from '../l10n/l10n.ts';
import { useIds } from '../link.tsx';
import type { Selection } from '../stream.ts';
import { Choice, Field, PageHead } from '../ui.tsx';
import { EventList, type Span } from './eventList.tsx';
import { KINDS, kindWords } from './eventWords.ts';
import { FormDialog } from './formDialog.tsx';

const FILTERS = ['kind', 'outcome', 'identity_id', 'actor', 'correlation_id', 'from', 'to'] as const;
type Filter = (typeof FILTERS)[number];
type Filters = Partial<Record<Filter, string>>;

const LABELS: Record<Filter, string> = {
  kind: 'kind',
  outcome: 'outcome',
  identity_id: 'identity',
  actor: 'who',
  correlation_id: 'correlation',
  from: 'from',
  to: 'until',
};

/** The filters are in the address, so that it can be shared. */
function filtersOf(query: string): Filters {
  const asked = new URLSearchParams(query);
  return Object.fromEntries(FILTERS.flatMap((name) => (asked.get(name) ? [[name, asked.get(name)]] : []))) as Filters;
}

const ID = /^[0-9a-f]{16}$/i;

export function Events() {
  const { realm } = useIds();
  const [filters, setFilters] = useState(() => filtersOf(location.search));
  const [adding, setAdding] = useState<Filter>();
  useEffect(() => {
    const query = new URLSearchParams(filters).toString();
    history.replaceState(history.state, '', `${location.pathname}${query && `?${query}`}`);
  }, [filters]);
  const search = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const value = new FormData(event.currentTarget).get('query');
    const text = typeof value === 'string' ? value.trim() : '';
    if (!text) return;
    const name = ID.test(text) ? 'identity_id' : text.includes('/') ? 'actor' : 'correlation_id';
    setFilters({ ...filters, [name]: text });
    event.currentTarget.reset();
  };
  const { from, to, ...selection } = filters;
  const span: Span = { ...(from && { from }), ...(to && { to }) };
  const without = (name: Filter) => Object.fromEntries(Object.entries(filters).filter(([of]) => of !== name)) as Filters;
  return (
    <>
      <PageHead title={t('events')} />
      <div className="toolbar">
        <form className="search-field" role="search" onSubmit={search}>
          <Icon name="search" />
          <input className="input" type="search" name="query" aria-label={t('events-search')} placeholder={t('events-search')} />
        </form>
        {FILTERS.filter((name) => filters[name]).map((name) => (
          <span className="chip" key={name}>
            <span>
              {t(LABELS[name])} <b>{name === 'kind' ? kindWords(filters[name] ?? '') : name === 'from' || name === 'to' ? new Date(filters[name] ?? '').toLocaleString() : filters[name]}</b>
            </span>
            <button type="button" aria-label={t('filter-remove', { filter: t(LABELS[name]) })} onClick={() => setFilters(without(name))}>
              <Icon name="x" />
            </button>
          </span>
        ))}
        {FILTERS.filter((name) => !filters[name]).map((name) => (
          <button className="chip add" key={name} type="button" aria-haspopup="dialog" onClick={() => setAdding(name)}>
            <Icon name="plus" />
            <span>{t(LABELS[name])}</span>
          </button>
        ))}
      </div>
      <EventList realm={realm} selection={selection as Selection} span={span} onFlow={(id) => setFilters({ correlation_id: id })} />
      {adding && (
        <FormDialog
          title={t(LABELS[adding])}
          action={t('filter-add')}
          onClose={() => setAdding(undefined)}
          save={async (value) => {
            const isTime = adding === 'from' || adding === 'to';
            const typed = value(adding);
            setFilters({ ...filters, [adding]: isTime ? new Date(typed).toISOString() : typed });
          }}
        >
          {() => <Asked name={adding} />}
        </FormDialog>
      )}
    </>
  );
}

function Asked({ name }: { name: Filter }) {
  if (name === 'kind') return <Choice label={t('kind')} name="kind" options={KINDS.map((kind) => [kind, kindWords(kind)] as const)} />;
  const isTime = name === 'from' || name === 'to';
  return (
    <Field
      label={t(LABELS[name])}
      name={name}
      autoFocus
      required
      {...(isTime && { type: 'datetime-local' })}
      {...(name === 'outcome' && { hint: t('filter-outcome-hint') })}
      {...(name === 'actor' && { hint: t('filter-actor-hint') })}
    />
  );
}
