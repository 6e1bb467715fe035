/** The binding jobs of a realm. */
import { t } from '../l10n/l10n.ts';
import { api } from '../api.ts';
import { Link, useIds } from '../link.tsx';
import { Empty, ErrorState, Id, Loading, PageHead, Time } from '../ui.tsx';
import { JobStatus } from './job.tsx';
import { MiniStepper } from './jobRows.tsx';
import { Pager, usePages } from './pages.tsx';

export function Jobs() {
  const { realm } = useIds();
  const list = usePages(['jobs', realm], (page) => api().listCredentialBindingJobs({ realm_id: realm, identity_id: '-', page_size: 50, ...page }), 5_000);
  if (list.error) return <ErrorState error={list.error} onRetry={list.retry} />;
  const jobs = list.page?.credential_binding_jobs;
  return (
    <>
      <PageHead title={t('jobs')} count={list.page?.total_size} />
      {!jobs && <Loading />}
      {jobs?.length === 0 && (
        <section className="card">
          <Empty title={t('jobs-empty')} text={t('jobs-empty-text')} />
        </section>
      )}
      {jobs && jobs.length > 0 && (
        <div className="table-frame">
          <table aria-label={t('jobs')}>
            <thead>
              <tr>
                <th>{t('state')}</th>
                <th className="p1">{t('job-progress')}</th>
                <th className="p2">{t('job-delivery')}</th>
                <th>{t('created')}</th>
                <th className="p1">{t('job-expires')}</th>
                <th className="p3">{t('id')}</th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.id}>
                  <td>
                    <Link to={`/realms/${realm}/identities/${job.identity_id}/jobs/${job.id}`}>
                      <JobStatus job={job} />
                    </Link>
                  </td>
                  <td className="p1">
                    <MiniStepper job={job} />
                  </td>
                  <td className="p2">{t(job.delivery_method === 'EMAIL' ? 'job-mailed' : 'job-returned')}</td>
                  <td>
                    <Time at={job.create_time} />
                  </td>
                  <td className="p1">
                    <Time at={job.expire_time} />
                  </td>
                  <td className="p3">
                    <Id value={job.id} what={t('job')} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <Pager list={list} size={50} shown={jobs.length} />
        </div>
      )}
    </>
  );
}
