/** The events that may count as a person's act (HTML section 6.4.1). */
const ACTS = ['keydown', 'mousedown', 'pointerdown', 'pointerup', 'touchend'];

/** Waits until a person has acted on this page; not at all if one already has. */
export function firstActivation(): Promise<void> {
  const { userActivation } = navigator;
  if (userActivation?.hasBeenActive) return Promise.resolve();
  return new Promise((resolve) => {
    const listening = new AbortController();
    const onAct = (event: Event) => {
      // Some of these don't count, the Escape key and the start of a scroll among them: the browser knows.
      if (!(userActivation ? userActivation.hasBeenActive : event.isTrusted)) return;
      listening.abort();
      resolve();
    };
    for (const act of ACTS) addEventListener(act, onAct, { capture: true, passive: true, signal: listening.signal });
  });
}
