/** What the state of a job means. */
import type { CredentialBindingJob, CredentialBindingJobState } from '@keymoor/api-client';
import { t } from '../l10n/l10n.ts';

export const STATES = ['LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED', 'COMPLETE'] as const;

export const PENDING: readonly CredentialBindingJobState[] = ['LINK_SENT', 'LINK_OPENED', 'REQUEST_DELIVERED'];

/** The last stop that a job in this state is known to have reached, from 0. */
export function reached(state: CredentialBindingJobState): number {
  const step = STATES.findIndex((known) => known === state);
  // A job that ended early doesn't say how far it came.
  return step >= 0 ? step : 0;
}

const WORDS: Record<CredentialBindingJobState, string> = {
  LINK_SENT: 'stop-sent',
  LINK_OPENED: 'stop-opened',
  REQUEST_DELIVERED: 'stop-device',
  COMPLETE: 'stop-bound',
  EXPIRED: 'stop-expired',
  REVOKED: 'stop-revoked',
  FAILED_TO_SEND: 'stop-failed',
};

export function wordOf(job: Pick<CredentialBindingJob, 'delivery_method' | 'state'>): string {
  if (job.state === 'LINK_SENT' && job.delivery_method === 'RETURN') return t('stop-made');
  return t(WORDS[job.state]);
}

/** The headline and the sentence below it. */
export function headOf(job: CredentialBindingJob, name: string): [string, string] {
  switch (job.state) {
    case 'LINK_SENT':
      return [t('head-sent'), t(job.delivery_method === 'EMAIL' ? 'head-sent-mail' : 'head-sent-returned')];
    case 'LINK_OPENED':
      return [t('head-opened'), t('head-opened-text')];
    case 'REQUEST_DELIVERED':
      return [t('head-device'), t('head-device-text')];
    case 'COMPLETE':
      return [t('head-complete'), t('head-complete-text', { name })];
    case 'EXPIRED':
      return [t('head-expired'), t('head-expired-text')];
    case 'REVOKED':
      return [t('head-revoked'), t('head-revoked-text')];
    case 'FAILED_TO_SEND':
      return [t('head-failed'), t('head-failed-text')];
  }
}
