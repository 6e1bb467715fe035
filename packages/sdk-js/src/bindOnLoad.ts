import type { Embedded } from './embedded.ts';
import { firstActivation } from './firstActivation.ts';
import type { KeymoorError } from './keymoorError.ts';
import type { BindOnLoad } from './types.ts';

/**
 * Binds from the page's own URL, if that is a binding link, after the person's first act: a page that a
 * mail scanner or a preview opens makes no passkey.
 */
export async function bindOnLoad(embedded: Embedded, { onResult, onError }: BindOnLoad): Promise<void> {
  if (!embedded.isBindPasskeyUrl(location.href)) return;
  await firstActivation();
  // Read again, because the application may have bound it itself or gone elsewhere.
  const url = location.href;
  if (embedded.isBindPasskeyUrl(url)) await embedded.bindPasskey(url).then(onResult, onError ?? report);
}

function report(error: KeymoorError): void {
  if (typeof reportError === 'function') reportError(error);
  // An older browser gets the `unhandledrejection` event.
  else throw error;
}
