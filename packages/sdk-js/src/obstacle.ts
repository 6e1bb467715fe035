import { KeymoorError } from './keymoorError.ts';

/** What a page asks an authenticator for. */
export type Use = 'create' | 'get';

/** Permissions Policy section 10.1, whose name browsers are changing. */
interface Policy {
  allowsFeature(feature: string): boolean;
  features(): string[];
}

type PolicedDocument = { permissionsPolicy?: Policy; featurePolicy?: Policy };

/**
 * Why this page may not use an authenticator, if it may not. Browsers report that in the same way as a person
 * who refuses, so it is found out before they are asked.
 */
export function obstacle(use: Use): KeymoorError | undefined {
  if (isInForeignFrame()) {
    // The server accepts no key or signature that was made there.
    return unsupported('is in a frame of another origin, or a sandboxed one, where it may not use an authenticator');
  }
  const feature = `publickey-credentials-${use}`;
  return isForbidden(feature) ? unsupported(`may not use ${feature}: its Permissions-Policy forbids it`) : undefined;
}

const unsupported = (what: string) => new KeymoorError('unsupported', `this page ${what}`);

function isInForeignFrame(): boolean {
  try {
    let frame: Pick<Window, 'origin' | 'parent'> = globalThis as unknown as Window;
    for (; frame.parent && frame.parent !== frame; frame = frame.parent) {
      if (frame.parent.origin !== globalThis.origin) return true;
    }
    return false;
  } catch {
    // Frames of another origin can't be looked into.
    return true;
  }
}

function isForbidden(feature: string): boolean {
  try {
    const { permissionsPolicy, featurePolicy } = document as unknown as PolicedDocument;
    const policy = permissionsPolicy ?? featurePolicy;
    // Browsers forbid every feature that they don't know.
    return policy !== undefined && policy.features().includes(feature) && !policy.allowsFeature(feature);
  } catch {
    return false;
  }
}
