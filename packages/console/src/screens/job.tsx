/** A binding job, live: the stepper moves as the person goes on. */
import type { CredentialBindingJob, CredentialBindingJobEvent, CredentialBindingJobStep } from '@keymoor/api-client';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api } from '../api.ts';
import { t } from '../l10n/l10n.ts';
import { Link, useIds } from '../link.tsx';
import { Button, ConfirmDialog, ErrorBanner, ErrorState, Id, Loading, PageHead, Status, Time } from '../ui.tsx';
import { useStream } from '../stream.ts';
import { headOf, PENDING, reached, STATES, wordOf } from './jobState.ts';

export function JobPage() {
  const { realm, identity, job: id } = useIds();
  const at = { realm_id: realm, identity_id: identity };
  const [isRevoking, setRevoking] = useState(false);
  const [error, setError] = useState<unknown>();
  const queries = useQueryClient();
  const person = useQuery({ queryKey: ['identity', realm, identity], queryFn: () => api().getIdentity(at) });
  const [isFollowed, setFollowed] = useState(false);
  const query = useQuery({
    queryKey: ['job', id],
    queryFn: () => api().getCredentialBindingJob({ ...at, credential_binding_job_id: id }),
    // The stream says when to look. Without it, and for the expiry, the page asks by itself.
    refetchInterval: ({ state }) => (!state.data || PENDING.includes(state.data.state) || state.error ? (isFollowed ? 15_000 : 1_000) : false),
    retry: false,
  });
  const state = query.data?.state;
  const refresh = () => Promise.all([query.refetch(), steps.refetch()]);
  const liveness = useStream(realm, query.data && { identity_id: identity }, (event) => {
    if (event.resource_id === id) void refresh();
  });
  useEffect(() => {
    setFollowed(liveness === 'live');
    // What happened before the stream listened.
    if (liveness === 'live') void refresh();
  }, [liveness]);
  const steps = useQuery({
    queryKey: ['steps', id, state],
    queryFn: () => api().listCredentialBindingJobEvents({ ...at, credential_binding_job_id: id, page_size: 200 }),
    enabled: state !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: state && PENDING.includes(state) && !isFollowed ? 5_000 : false,
  });
  const events = steps.data?.credential_binding_job_events ?? [];
  const seen = useRef(new Map<string, string>());
  const job = query.data;
  if (!job) return query.isError ? <ErrorState error={query.error} onRetry={() => void query.refetch()} /> : <Loading />;
  if (!seen.current.has(job.state)) seen.current.set(job.state, job.update_time);
  const name = person.data?.display_name ?? identity;
  const [title, words] = headOf(job, name);
  const isPending = PENDING.includes(job.state);
  const canResend = ['LINK_SENT', 'LINK_OPENED', 'FAILED_TO_SEND', 'EXPIRED'].includes(job.state) && job.delivery_method === 'EMAIL';
  const resend = async () => {
    setError(undefined);
    try {
      const sent = await api().resendCredentialBindingJob({ ...at, credential_binding_job_id: id });
      seen.current.clear();
      queries.setQueryData(['job', id], sent.credential_binding_job);
      await queries.invalidateQueries({ queryKey: ['job', id] });
    } catch (error) {
      setError(error);
    }
  };
  return (
    <>
      <PageHead
        title={t('job-title', { name })}
        facts={
          <>
            <JobStatus job={job} />
            <span>
              {t('job')} <Id value={job.id} what={t('job')} whole />
            </span>
          </>
        }
      >
        {canResend && (
          <Button icon="resend" onPress={() => void resend()}>
            {t(job.state === 'EXPIRED' ? 'new-link' : 'resend')}
          </Button>
        )}
        {isPending && (
          <Button kind="danger-quiet" icon="ban" onPress={() => setRevoking(true)}>
            {t('link-revoke')}
          </Button>
        )}
        {job.state === 'COMPLETE' && (
          <Link className="button" to={`/realms/${realm}/identities/${identity}`}>
            {t('view-identity')}
          </Link>
        )}
      </PageHead>
      <ErrorBanner error={error} />
      <section className="card" aria-labelledby="progress">
        <div className="pad">
          <div className="job-head">
            <h2 id="progress" aria-live="polite">
              {title}
            </h2>
            <p>{words}</p>
            {query.isError || liveness === 'lost' ? <p className="faint">{t('job-live-lost')}</p> : isPending && <p className="faint">{t('job-live')}</p>}
          </div>
          <Stepper job={job} seen={seen.current} events={events} />
        </div>
      </section>
      <div className="columns section">
      <section className="card" aria-labelledby="log">
        <div className="card-head">
          <h2 id="log">{t('job-log')}</h2>
        </div>
        <ErrorBanner error={steps.error} title={t('list-error')} />
        <ol className="timeline pad">
          {[...events].sort(byTime).map((event) => (
            <li key={event.id}>
              <Time at={event.time} />
              <div>
                {t(`step-${event.step}`)}
                <small>{[place(event), event.reason].filter(Boolean).join(' · ')}</small>
              </div>
            </li>
          ))}
        </ol>
      </section>
      <section className="card" aria-labelledby="about">
        <div className="card-head">
          <h2 id="about">{t('job-about')}</h2>
        </div>
        <dl className="facts-list pad">
          <dt>{t('job-for')}</dt>
          <dd>
            <Link to={`/realms/${realm}/identities/${identity}`}>{name}</Link>
          </dd>
          <dt>{t('job-delivery')}</dt>
          <dd>{t(job.delivery_method === 'EMAIL' ? 'job-mailed' : 'job-returned')}</dd>
          <dt>{t('created')}</dt>
          <dd>
            <Time at={job.create_time} />
          </dd>
          <dt>{t('job-expires')}</dt>
          <dd>
            <Time at={job.expire_time} />
          </dd>
          {job.post_binding_redirect_uri && (
            <>
              <dt>{t('job-then')}</dt>
              <dd className="wrap">{job.post_binding_redirect_uri}</dd>
            </>
          )}
          {job.authenticator_config_id && (
            <>
              <dt>{t('job-config')}</dt>
              <dd>
                <Id value={job.authenticator_config_id} what={t('job-config')} />
              </dd>
            </>
          )}
          {job.credential_id && (
            <>
              <dt>{t('passkey')}</dt>
              <dd>
                <Id value={job.credential_id} what={t('passkey')} />
              </dd>
            </>
          )}
        </dl>
      </section>
      </div>
      {isRevoking && (
        <ConfirmDialog
          title={t('link-revoke-title')}
          keep={t('link-keep')}
          action={t('link-revoke')}
          pending={t('revoking')}
          onClose={() => setRevoking(false)}
          act={async () => {
            await api().setCredentialBindingJobRevoked({ ...at, credential_binding_job_id: id });
            await queries.invalidateQueries({ queryKey: ['job', id] });
          }}
        >
          <p>{t('link-revoke-text', { name })}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

export function JobStatus({ job }: { job: CredentialBindingJob }) {
  const words = wordOf(job);
  switch (job.state) {
    case 'COMPLETE':
      return <Status tone="green" shape="dot">{words}</Status>;
    case 'LINK_SENT':
      return <Status tone="sea" shape="dashed">{words}</Status>;
    case 'LINK_OPENED':
    case 'REQUEST_DELIVERED':
      return <Status tone="sea" shape="half">{words}</Status>;
    case 'FAILED_TO_SEND':
      return <Status tone="red" shape="cross">{words}</Status>;
    default:
      return <Status tone="amber" shape="struck">{words}</Status>;
  }
}

/** The steps that show that a stop was reached. */
const REACHED = {
  LINK_SENT: ['MAIL_ACCEPTED', 'RESENT', 'CREATED'],
  LINK_OPENED: ['LINK_OPENED'],
  REQUEST_DELIVERED: ['REQUEST_DELIVERED'],
  COMPLETE: ['COMPLETED'],
} as const;
const ENDS: readonly CredentialBindingJobStep[] = ['EXPIRED', 'REVOKED', 'FAILED_TO_SEND'];

/** The newest first. */
function byTime(one: CredentialBindingJobEvent, other: CredentialBindingJobEvent): number {
  return other.time.localeCompare(one.time) || other.id.localeCompare(one.id);
}

/** The browser and the address, or the mail server's answer. */
function place({ mail, opened_by, source_address, user_agent }: CredentialBindingJobEvent): string {
  const browser = [user_agent?.family, user_agent?.operating_system].filter(Boolean).join(', ');
  const answer = mail && [mail.reply_code, mail.enhanced_code].filter(Boolean).join(' ');
  return [opened_by === 'SCANNER' ? t('opened-by-scanner') : '', browser, source_address, answer].filter(Boolean).join(' · ');
}

/** A rope through mooring rings: passed, at the current one, or ended early. */
function Stepper({
  job,
  seen,
  events,
}: {
  job: CredentialBindingJob;
  seen: ReadonlyMap<string, string>;
  events: readonly CredentialBindingJobEvent[];
}) {
  const step = reached(job.state);
  const isComplete = job.state === 'COMPLETE';
  const ended = ['EXPIRED', 'REVOKED', 'FAILED_TO_SEND'].includes(job.state);
  const endTone = job.state === 'FAILED_TO_SEND' ? 'red' : 'amber';
  return (
    <ol className="stepper" {...(isComplete ? { 'data-end': 'complete' } : ended ? { 'data-end': 'early' } : {})} aria-label={t('job-progress')}>
      {STATES.map((state, i) => {
        const isEnd = ended && i === step + 1;
        const stop = isEnd ? 'end' : i < step ? 'passed' : i > step ? 'ahead' : isComplete ? 'complete' : ended ? 'last' : 'current';
        const steps: readonly CredentialBindingJobStep[] = isEnd ? ENDS : REACHED[state];
        const event = [...events].sort(byTime).find(({ step }) => steps.includes(step));
        const at = event?.time ?? (state === 'LINK_SENT' ? job.create_time : isEnd ? job.update_time : seen.get(state));
        return (
          <li key={state} className="stop" data-stop={stop} {...(isEnd && { 'data-tone': endTone })} aria-current={stop === 'current' ? 'step' : undefined}>
            <Mark stop={stop} isFirst={i === 0} isCrossed={job.state === 'FAILED_TO_SEND'} />
            <h3>{isEnd ? wordOf(job) : wordOf({ ...job, state })}</h3>
            <code>{isEnd ? job.state : state}</code>
            <p>
              {i <= step || isEnd ? at && <Time at={at} /> : ended ? '' : t('stop-ahead')}
              {event && (i <= step || isEnd) && (
                <>
                  <br />
                  {place(event)}
                </>
              )}
            </p>
          </li>
        );
      })}
    </ol>
  );
}

const RING = <path d="M4.41 12.89A12 12 0 1 1 4.41 19.11" />;
const WHOLE = <circle cx="16" cy="16" r="12" />;

function Mark({ stop, isFirst, isCrossed }: { stop: string; isFirst: boolean; isCrossed: boolean }) {
  return (
    <svg className="stop-mark" viewBox="0 0 48 32" aria-hidden="true">
      {stop === 'current' && <circle className="halo" cx="16" cy="16" r="12" />}
      {isFirst || stop === 'ahead' || stop === 'end' ? WHOLE : RING}
      {stop === 'passed' && (isFirst ? <path d="M16 16h9M31 16h17" /> : <path d="M0 16h25M31 16h17" />)}
      {(stop === 'current' || stop === 'last' || stop === 'complete') && !isFirst && <path d="M0 16h16" />}
      {stop === 'end' && <path d={isCrossed ? 'm11 11 10 10M21 11 11 21' : 'm7.7 24.3 16.6-16.6'} />}
      {(stop === 'current' || stop === 'last' || (stop === 'passed' && isFirst)) && <circle className="dot" cx="16" cy="16" r="3.5" />}
      {stop === 'complete' && <circle className="dot" cx="16" cy="16" r="5.5" />}
    </svg>
  );
}
