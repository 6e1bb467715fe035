import type { List } from './operation.ts';
import type { Values } from './request.ts';

type Page = Readonly<Record<string, unknown>>;

/**
 * A list that requests its first page at once and the following ones while it is iterated.
 *
 * @param member - The member of each page that holds the items.
 */
export function list(values: Values, member: string, request: (values: Values) => Promise<unknown>): List<Page, unknown> {
  const first = request(values) as Promise<Page>;
  async function* items() {
    // Every page token is bound to the filter; `skip` would pass over items of every page.
    const { skip: _, ...following } = values;
    for (let page = await first; ; page = (await request({ ...following, page_token: page['next_page_token'] })) as Page) {
      yield* page[member] as unknown[];
      if (!page['next_page_token']) return;
    }
  }
  return Object.assign(first, { [Symbol.asyncIterator]: items });
}
