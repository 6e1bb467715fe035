import { setImmediate } from 'node:timers/promises';

const TURNS = 50;

/** Lets everything run that waits for nothing but its turn, so that a test can see what has not happened. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate();
}
