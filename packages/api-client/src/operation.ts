/** How a call of one operation becomes a request. */
export interface Operation {
  readonly method: 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT';
  /** Below the base URL. `{name}` stands for the parameter of that name. */
  readonly path: string;
  /** Names of the parameters that belong in the query. */
  readonly query?: readonly string[];
  /** Whether the remaining parameters are the members of a JSON body. */
  readonly hasBody?: boolean;
  /** For lists: the member of each page that holds the items. */
  readonly items?: string;
}

/** Options of a single call. */
export interface CallOptions {
  /** Cancels the request; `AbortSignal.timeout(5_000)` limits its duration. */
  signal?: AbortSignal;
}

/** One page when awaited; the items of this and every following page when iterated. */
export type List<Page, Item> = Promise<Page> & AsyncIterable<Item>;

/** What the generated types say about an operation's input. */
interface Input {
  body?: unknown;
  path?: unknown;
  query?: unknown;
}

/** The parameters of path, query and body side by side, without the tenant, which the client knows. */
export type ParametersOf<I extends Input> = Flat<
  Omit<Members<I['path']>, 'tenant_id'> & Members<I['query']> & Members<I['body']>
>;

/** Calls an operation. Parameters can be left out if none is required. */
export type Call<I extends Input, Output> = Callable<ParametersOf<I>, Promise<Output>>;

/** Calls a list operation, whose pages hold their items in the member `M`. */
export type ListCall<I extends Input, Page, M extends keyof Page> = Callable<
  ParametersOf<I>,
  List<Page, Page[M] extends readonly (infer Item)[] ? Item : never>
>;

type Callable<P, Returned> = {} extends P
  ? (parameters?: P, options?: CallOptions) => Returned
  : (parameters: P, options?: CallOptions) => Returned;

/** The generated types have `never` where an operation takes nothing. */
type Members<T> = [NonNullable<T>] extends [never] ? unknown : NonNullable<T>;
/** One object type, which editors show member by member. */
type Flat<T> = { [K in keyof T]: T[K] };
