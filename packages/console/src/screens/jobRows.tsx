/** Jobs as rows: how far each came, for whom, until when. */
import type { CredentialBindingJob } from '@keymoor/api-client';
import { t } from '../l10n/l10n.ts';
import { Link } from '../link.tsx';
import { Time } from '../ui.tsx';
import { reached, wordOf } from './jobState.ts';

const X = [6, 23, 40, 57];

/** The stepper in 63 by 12. */
export function MiniStepper({ job }: { job: CredentialBindingJob }) {
  const step = reached(job.state);
  const isEnded = ['EXPIRED', 'REVOKED', 'FAILED_TO_SEND'].includes(job.state);
  const tone = job.state === 'COMPLETE' ? 'green' : isEnded ? 'amber' : 'sea';
  return (
    <svg className="mini-stepper" data-tone={tone} viewBox="0 0 63 12" role="img" aria-label={wordOf(job)}>
      {X.map((x, i) => (
        <g key={x}>
          {i < 3 && <path className={i < step ? 'on' : ''} d={`M${x + 4.5} 6h8`} {...(i >= step && { strokeDasharray: '1 2.5' })} />}
          {isEnded && i === step + 1 ? (
            <path className="stopped" d={`m${x - 2.5} 3.5 5 5m0-5-5 5`} />
          ) : (
            <circle className={i <= step ? 'on' : ''} cx={x} cy="6" r="3.5" />
          )}
          {i === step && <circle className="dot" cx={x} cy="6" r="1.5" />}
        </g>
      ))}
    </svg>
  );
}

export function JobRows({ jobs }: { jobs: readonly CredentialBindingJob[] }) {
  return (
    <ul className="rows">
      {jobs.map((job) => (
        <li key={job.id}>
          <MiniStepper job={job} />
          <div className="grow">
            <Link to={`/realms/${job.realm_id}/identities/${job.identity_id}/jobs/${job.id}`}>{wordOf(job)}</Link>
            <small>{t(job.delivery_method === 'EMAIL' ? 'job-mailed' : 'job-returned')}</small>
          </div>
          <span className="muted">
            <Time at={job.create_time} />
          </span>
        </li>
      ))}
    </ul>
  );
}
