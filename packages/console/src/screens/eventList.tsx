/** Events, newest first, with those that happen meanwhile on top, and one of them in full. */
import type { Event } from '@keymoor/api-client';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Icon } from '../icons.tsx';
import { locale, t } from '../l10n/l10n.ts';
import { Link } from '../link.tsx';
import { type Selection, useStream } from '../stream.ts';
import { Button, Copy, Empty, ErrorBanner, ErrorState, Id, Loading, Status, Time } from '../ui.tsx';
import { actorOf, kindWords, ringOf, shortened } from './eventWords.ts';
import { Pager, usePages } from './pages.tsx';

const SIZE = 50;
/** How many new events stay on top. Older ones are in the list after a reload. */
const KEPT = 200;

export type Span = { from?: string; to?: string };

export function EventList({ realm, selection, span = {}, onFlow }: { realm: string; selection: Selection; span?: Span; onFlow?: (id: string) => void }) {
  const key = JSON.stringify([realm, selection, span]);
  const [tail, setTail] = useState<{ of: string; events: Event[] }>({ of: key, events: [] });
  const [isPaused, setPaused] = useState(false);
  const [open, setOpen] = useState<Event>();
  const list = usePages(['events', key], (page) => api().listEvents({ realm_id: realm, ...selection, ...span, page_size: SIZE, ...page }));
  // What ends in the past has no new events.
  const follows = !span.to && !isPaused;
  const liveness = useStream(realm, follows ? selection : undefined, (event) =>
    setTail((before) => ({ of: key, events: [event, ...(before.of === key ? before.events : [])].slice(0, KEPT) })),
  );
  const news = tail.of === key ? tail.events : [];
  const known = list.page?.events;
  const isFirst = list.index === 0;
  const listed = new Set(known?.map(({ id }) => id));
  const fresh = isFirst ? news.filter(({ id }) => !listed.has(id)) : [];
  const events = known && [...fresh, ...known];
  if (list.error) return <ErrorState error={list.error} onRetry={list.retry} />;
  return (
    <div className={open ? 'split' : ''}>
      <div className="table-frame">
        <div className="tail">
          {!span.to && (
            <>
              <span className={liveness === 'live' && follows ? 'live' : ''} role="status">
                {isPaused ? t('events-paused') : t(liveness === 'live' ? 'job-live' : liveness === 'lost' ? 'job-live-lost' : 'loading')}
              </span>
              {fresh.length > 0 && <span>{t('events-new', { count: fresh.length })}</span>}
              <span className="push">
                <Button kind="small" icon={isPaused ? 'right' : 'pause'} onPress={() => setPaused(!isPaused)}>
                  {t(isPaused ? 'events-resume' : 'events-pause')}
                </Button>
              </span>
            </>
          )}
        </div>
        {!events && <Loading />}
        {events?.length === 0 && <Empty title={t('events-empty')} text={t('events-empty-text')} />}
        {events && events.length > 0 && (
          <table aria-label={t('events')}>
            <thead>
              <tr>
                <th>{t('time')}</th>
                <th>{t('event')}</th>
                <th className="p1">{t('who')}</th>
                <th className="p2">{t('on')}</th>
                <th className="p1">{t('outcome')}</th>
              </tr>
            </thead>
            <tbody>
              {events.map((event) => (
                <tr
                  key={event.id}
                  className={fresh.includes(event) ? 'new' : ''}
                  aria-selected={open?.id === event.id || undefined}
                  onClick={() => setOpen(event)}
                >
                  <td>
                    <Clock at={event.create_time} />
                  </td>
                  <td>
                    <button className="link-button" type="button" aria-haspopup="true">
                      <Status {...ringOf(event)}>{kindWords(event.kind)}</Status>
                    </button>
                  </td>
                  <td className="p1 clip">{actorOf(event).words}</td>
                  <td className="p2 clip">
                    <code className="muted">{shortened(event.resource_id ?? event.identity_id ?? '')}</code>
                  </td>
                  <td className="p1">
                    <code className="muted">{event.outcome}</code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <Pager list={list} size={SIZE} shown={known?.length ?? 0} />
      </div>
      {open && <Whole key={open.id} realm={realm} event={open} onClose={() => setOpen(undefined)} onOpen={setOpen} onFlow={onFlow} />}
    </div>
  );
}

/** A time of today without the date; the whole one on hover. */
function Clock({ at }: { at: string }) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const words = isToday
    ? date.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
    : date.toLocaleString(locale(), { dateStyle: 'short', timeStyle: 'short' });
  return (
    <time dateTime={at} title={date.toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'long' })}>
      {words}
    </time>
  );
}

/** One event in full, and the others of its flow. */
function Whole({
  realm,
  event,
  onClose,
  onOpen,
  onFlow,
}: {
  realm: string;
  event: Event;
  onClose: () => void;
  onOpen: (event: Event) => void;
  onFlow: ((id: string) => void) | undefined;
}) {
  const flow = useQuery({
    queryKey: ['flow', realm, event.correlation_id],
    queryFn: () => api().listEvents({ realm_id: realm, correlation_id: event.correlation_id, page_size: 50 }),
  });
  const actor = actorOf(event);
  const details = Object.entries(event.details);
  const ofFlow = flow.data?.events ?? [];
  return (
    <aside className="drawer" aria-labelledby="event">
      <div className="card-head">
        <h2 id="event">
          <Status {...ringOf(event)}>{kindWords(event.kind)}</Status>
        </h2>
        <button className="icon-button" type="button" aria-label={t('close')} onClick={onClose}>
          <Icon name="x" />
        </button>
      </div>
      <div className="pad stack">
        <dl className="facts-list">
          <dt>{t('when')}</dt>
          <dd>
            <Time at={event.create_time} />
          </dd>
          <dt>{t('who')}</dt>
          <dd className="wrap">
            {actor.identity ? (
              <Link to={`/realms/${actor.realm}/identities/${actor.identity}`}>{actor.words}</Link>
            ) : actor.application ? (
              <Link to={`/realms/${actor.realm}/applications/${actor.application}`}>{actor.words}</Link>
            ) : (
              actor.words
            )}
          </dd>
          {event.identity_id && (
            <>
              <dt>{t('identity')}</dt>
              <dd>
                <Link to={`/realms/${event.realm_id}/identities/${event.identity_id}`}>{event.identity_id}</Link>
              </dd>
            </>
          )}
          {event.resource_id && (
            <>
              <dt>{t('on')}</dt>
              <dd>
                <Id value={event.resource_id} what={t('id')} />
              </dd>
            </>
          )}
          <dt>{t('kind')}</dt>
          <dd className="wrap">
            <code>{event.kind}</code>
          </dd>
          <dt>{t('outcome')}</dt>
          <dd className="wrap">
            <code>{event.outcome}</code>
          </dd>
          {details.map(([name, value]) => (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{name.replaceAll('_', ' ')}</dt>
              <dd className="wrap">{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
            </div>
          ))}
          <dt>{t('correlation')}</dt>
          <dd>
            <Id value={event.correlation_id} what={t('correlation')} />
          </dd>
          <dt>{t('event')}</dt>
          <dd>
            <Id value={event.id} what={t('event')} />
          </dd>
        </dl>
        <div className="stack-small">
          <h3>{t('events-flow')}</h3>
          <ErrorBanner error={flow.error} title={t('list-error')} />
          <ol className="timeline">
            {ofFlow.map((one) => (
              <li key={one.id}>
                <Clock at={one.create_time} />
                <div>
                  {one.id === event.id ? (
                    kindWords(one.kind)
                  ) : (
                    <button className="link-button" type="button" onClick={() => onOpen(one)}>
                      {kindWords(one.kind)}
                    </button>
                  )}
                  <small>{one.outcome}</small>
                </div>
              </li>
            ))}
          </ol>
        </div>
        <div className="actions">
          {onFlow && (
            <Button kind="small" onPress={() => onFlow(event.correlation_id)}>
              {t('events-flow-only', { count: ofFlow.length })}
            </Button>
          )}
          <span>
            {t('events-json')} <Copy value={JSON.stringify(event, null, 2)} what={t('events-json')} />
          </span>
        </div>
      </div>
    </aside>
  );
}
