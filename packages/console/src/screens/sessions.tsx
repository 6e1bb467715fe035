/** Where the administrator is signed in. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { own } from '../api.ts';
import { t } from '../l10n/l10n.ts';
import { Button, ConfirmDialog, ErrorState, Loading, PageHead, Time } from '../ui.tsx';

interface OwnSession {
  id: string;
  is_current: boolean;
  ip: string;
  user_agent: string;
  create_time: string;
  active_time: string;
}

export function Sessions() {
  const [ending, setEnding] = useState<OwnSession>();
  const list = useQuery({ queryKey: ['sessions'], queryFn: () => own<{ sessions: OwnSession[] }>('/sessions') });
  return (
    <>
      <PageHead title={t('sessions')} facts={<span>{t('sessions-lede')}</span>} />
      {list.isError && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
      {list.isPending && <Loading />}
      {list.data && (
        <div className="table-frame">
          <table aria-label={t('sessions')}>
            <thead>
              <tr>
                <th>{t('browser')}</th>
                <th className="p1">{t('address')}</th>
                <th className="p2">{t('started')}</th>
                <th>{t('last-active')}</th>
                <th>
                  <span className="visually-hidden">{t('actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.data.sessions.map((session) => (
                <tr key={session.id}>
                  <td className="clip">{session.user_agent}</td>
                  <td className="p1">{session.ip}</td>
                  <td className="p2">
                    <Time at={session.create_time} />
                  </td>
                  <td>
                    <Time at={session.active_time} />
                  </td>
                  <td className="num">
                    {session.is_current ? (
                      <span className="tag green">{t('session-this')}</span>
                    ) : (
                      <Button kind="small quiet danger-quiet" onPress={() => setEnding(session)}>
                        {t('session-end')}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {ending && (
        <ConfirmDialog
          title={t('session-end-title')}
          keep={t('cancel')}
          action={t('session-end')}
          pending={t('session-ending')}
          onClose={() => setEnding(undefined)}
          act={async () => {
            await own(`/sessions/${ending.id}/end`, 'POST');
            await list.refetch();
          }}
        >
          <p className="wrap">{t('session-end-text', { browser: ending.user_agent, address: ending.ip })}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
