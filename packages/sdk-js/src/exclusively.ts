/**
 * Runs a task while no other one of that name runs in any tab of this origin, so that two tabs with one
 * link don't prompt twice.
 */
export async function exclusively<T>(name: string, task: () => Promise<T>): Promise<T> {
  // Browsers without locks lose only that: storage is safe by its transactions.
  return navigator.locks ? navigator.locks.request(name, task) : task();
}
