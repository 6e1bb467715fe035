/** Lists by cursor: previous and next, no page numbers. */
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { t } from '../l10n/l10n.ts';
import { Button } from '../ui.tsx';

interface Page {
  /** Some lists aren't counted. */
  total_size?: number;
  next_page_token?: string | null;
}

export interface Pages<P extends Page> {
  page: P | undefined;
  error: unknown;
  retry: () => void;
  index: number;
  next: (() => void) | undefined;
  previous: (() => void) | undefined;
}

export function usePages<P extends Page>(
  key: readonly unknown[],
  load: (page: { page_token?: string }) => PromiseLike<P>,
  refetchInterval: number | false = false,
): Pages<P> {
  const [of, setOf] = useState(JSON.stringify(key));
  const [tokens, setTokens] = useState<string[]>([]);
  // Another filter starts at its first page.
  if (of !== JSON.stringify(key)) {
    setOf(JSON.stringify(key));
    setTokens([]);
  }
  const token = tokens.at(-1);
  const query = useQuery({
    queryKey: [...key, token ?? ''],
    queryFn: async () => load(token === undefined ? {} : { page_token: token }),
    placeholderData: keepPreviousData,
    refetchInterval,
  });
  const after = query.data?.next_page_token;
  return {
    page: query.data,
    error: query.data ? undefined : query.error,
    retry: () => void query.refetch(),
    index: tokens.length,
    next: after ? () => setTokens([...tokens, after]) : undefined,
    previous: tokens.length > 0 ? () => setTokens(tokens.slice(0, -1)) : undefined,
  };
}

export function Pager<P extends Page>({ list, size, shown }: { list: Pages<P>; size: number; shown: number }) {
  const total = list.page?.total_size;
  if (!list.next && list.index === 0) return null;
  const from = list.index * size + 1;
  const words = total === undefined ? t('page-number', { page: list.index + 1 }) : t('of-total', { from, to: from + shown - 1, total });
  return (
    <nav className="pager" aria-label={words}>
      <span>{words}</span>
      <Button kind="small" icon="left" isDisabled={!list.previous} onPress={() => list.previous?.()}>
        {t('previous')}
      </Button>
      <Button kind="small" icon="right" isDisabled={!list.next} onPress={() => list.next?.()}>
        {t('next')}
      </Button>
    </nav>
  );
}
