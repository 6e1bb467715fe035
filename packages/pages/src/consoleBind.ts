/** The page on which an administrator creates a passkey. */
import { Embedded } from '@keymoor/sdk';
import { offerPasskey } from './bindPage.ts';

await offerPasskey(document, Embedded.initialize);
