/**
 * Runs a task while no other one of that name runs in any tab of this origin, so that two tabs with one
 * link don't prompt twice.
 */
export async function exclusively<T>(name: string, task: () => Promise<T>): Promise<T> {
  let running: Promise<T> | undefined;
  const run = () => (running ??= task());
  try {
    await navigator.locks.request(name, run);
  } catch {
    // Either the task failed, which `run` reports, or the browser has no locks or refuses them, as it does where
    // cookies are blocked. That loses only the wait: storage is safe by its transactions.
  }
  return run();
}
