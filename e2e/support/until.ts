import { setTimeout as delay } from 'node:timers/promises';

const DEADLINE_MS = 45_000;
const POLL_MS = 20;

/** Waits until something is so, by asking again and again. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(POLL_MS);
  }
}
