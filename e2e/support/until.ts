import { setTimeout as delay } from 'node:timers/promises';

const DEADLINE_MS = 45_000;
const POLL_MS = 20;

/** Waits until something is so, by asking again and again. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await delay(POLL_MS);
  }
}
