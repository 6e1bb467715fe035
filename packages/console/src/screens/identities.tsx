/** The identities of a realm: search, pages, and a new one. */
import type { Identity } from '@keymoor/api-client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api.ts';
import { Icon } from '../icons.tsx';
import { t } from '../l10n/l10n.ts';
import { Link, useGo, useIds } from '../link.tsx';
import { Button, Empty, ErrorState, Field, Id, Loading, PageHead, Status, Time } from '../ui.tsx';
import { findIdentities } from './find.ts';
import { FormDialog } from './formDialog.tsx';
import { Pager, usePages } from './pages.tsx';

const SIZE = 50;

export function Identities() {
  const { realm } = useIds();
  const [query, setQuery] = useState('');
  const [isAdding, setAdding] = useState(false);
  const list = usePages(['identities', realm], (page) => api().listIdentities({ realm_id: realm, page_size: SIZE, ...page }));
  const found = useQuery({ queryKey: ['find', realm, query], queryFn: () => findIdentities(realm, query), enabled: query !== '' });
  const error = query ? found.error : list.error;
  const people = query ? found.data : list.page?.identities;
  return (
    <>
      <PageHead title={t('identities')} count={list.page?.total_size}>
        <Button kind="primary" icon="plus" onPress={() => setAdding(true)}>
          {t('identity-add')}
        </Button>
      </PageHead>
      <form
        className="toolbar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          const value = new FormData(event.currentTarget).get('query');
          setQuery(typeof value === 'string' ? value.trim() : '');
        }}
        onReset={() => setQuery('')}
      >
        <div className="search-field">
          <Icon name="search" />
          <input className="input" type="search" name="query" aria-label={t('search-placeholder')} placeholder={t('search-placeholder')} />
        </div>
        {query && (
          <button className="chip" type="reset">
            <span>{query}</span>
            <Icon name="x" />
            <span className="visually-hidden">{t('search-clear')}</span>
          </button>
        )}
      </form>
      {error ? <ErrorState error={error} onRetry={list.retry} /> : !people && <Loading />}
      {people?.length === 0 && !error && (
        <section className="card">
          {query ? (
            <Empty title={t('identities-nothing', { query })} text={t('identities-nothing-text')} />
          ) : (
            <Empty title={t('identities-empty')} text={t('identities-empty-text')}>
              <Button icon="plus" onPress={() => setAdding(true)}>
                {t('identity-add')}
              </Button>
            </Empty>
          )}
        </section>
      )}
      {people && people.length > 0 && (
        <div className="table-frame">
          <table aria-label={t('identities')}>
            <thead>
              <tr>
                <th>{t('name')}</th>
                <th>{t('enrolment')}</th>
                <th className="p2">{t('email')}</th>
                <th className="p3">{t('created')}</th>
                <th className="p1">{t('id')}</th>
              </tr>
            </thead>
            <tbody>
              {people.map((person) => (
                <tr key={person.id}>
                  <td className="clip">
                    <Link to={`/realms/${realm}/identities/${person.id}`}>{person.display_name}</Link> <span className="sub">{person.traits.username}</span>
                  </td>
                  <td>
                    <Enrolment person={person} />
                  </td>
                  <td className="p2 clip mail">
                    <span className="sub">{person.traits.primary_email_address}</span>
                  </td>
                  <td className="p3">
                    <Time at={person.create_time} />
                  </td>
                  <td className="p1">
                    <Id value={person.id} what={t('id')} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {!query && <Pager list={list} size={SIZE} shown={people.length} />}
        </div>
      )}
      {isAdding && <AddIdentity realm={realm} onClose={() => setAdding(false)} />}
    </>
  );
}

export function Enrolment({ person }: { person: Identity }) {
  if (person.status === 'suspended') return <Status tone="grey" shape="struck">{t('suspended')}</Status>;
  switch (person.enrollment_status) {
    case 'ENROLLED':
      return <Status tone="green" shape="dot">{t('enrol-enrolled')}</Status>;
    case 'PENDING':
      return <Status tone="sea" shape="dashed">{t('enrol-pending')}</Status>;
    case 'INVITE_FAILED':
      return <Status tone="red" shape="cross">{t('enrol-failed')}</Status>;
    default:
      return <Status tone="none" shape="empty">{t('enrol-none')}</Status>;
  }
}

function AddIdentity({ realm, onClose }: { realm: string; onClose: () => void }) {
  const go = useGo();
  const queries = useQueryClient();
  return (
    <FormDialog
      title={t('identity-add')}
      action={t('identity-add')}
      onClose={onClose}
      save={async (value) => {
        const email = value('email');
        const person = await api().createIdentity({
          realm_id: realm,
          identity: {
            display_name: value('display_name'),
            traits: { type: 'traits_v0', username: value('username'), ...(email && { primary_email_address: email }) },
          },
        });
        await queries.invalidateQueries({ queryKey: ['identities', realm] });
        await go(`/realms/${realm}/identities/${person.id}`);
      }}
    >
      {(error) => (
        <>
          <Field label={t('name')} name="display_name" autoFocus required error={error('identity.display_name')} />
          <Field label={t('username')} name="username" required error={error('identity.traits.username')} />
          <Field label={t('email')} name="email" type="email" isOptional error={error('identity.traits.primary_email_address')} />
        </>
      )}
    </FormDialog>
  );
}
