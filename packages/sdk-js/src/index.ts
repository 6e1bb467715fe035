export { Embedded } from './embedded.ts';
export { KeymoorError, type KeymoorErrorCode } from './keymoorError.ts';
export type {
  AuthenticateResponse,
  AuthenticationContext,
  AuthenticationMethod,
  BindOnLoad,
  BindPasskeyResponse,
  Config,
  Fido2Locator,
  Identity,
  Log,
  Passkey,
  Realm,
  Tenant,
  Theme,
} from './types.ts';
