import { KeymoorError } from './keymoorError.ts';

/** Lets nothing but a {@link KeymoorError} out. What no other place expected is the browser's failure. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KeymoorError) throw error;
    throw new KeymoorError('unsupported', `this browser failed (${(error as Partial<Error> | undefined)?.name})`, error);
  }
}
