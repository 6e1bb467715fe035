import { KeymoorApiError } from '@keymoor/api-client';
import type { Accounts } from './accounts.ts';
import type { Session, Sessions } from './sessions.ts';
import type { Account, SignIn } from './signIn.ts';
import { type Exchange, type Handler, readFields, redirect, Refusal, sendJson } from './web.ts';

export interface Services {
  accounts: Accounts;
  sessions: Sessions;
  signIn: SignIn;
  /** Told to every page: which host the SDK may call, and where the demo shows mail, if it does. */
  settings: { keymoorHost: string; mailUrl: string | undefined };
}

const MAX_PENDING_SIGN_INS = 5;

/** Everything but the files, by method and path. */
export function routes({ accounts, sessions, signIn, settings }: Services): Record<string, Handler> {
  function signedIn(exchange: Exchange): Account {
    const account = sessions.of(exchange.request)?.account;
    if (!account) throw new Refusal(401, 'Please sign in first.');
    return account;
  }

  return {
    'GET /api/session': ({ request, response }) => {
      sendJson(response, 200, { ...settings, account: sessions.of(request)?.account ?? null });
    },

    'POST /api/accounts': async ({ request, response }) => {
      const { name, username, email, delivery } = await readFields(request, 'name', 'username', 'email', 'delivery');
      const account = await refuseWrongInput(accounts.create(name, username, email));
      if (!account) throw new Refusal(409, 'That username is taken. Choose another one.');
      if (delivery === 'email') {
        await accounts.mailBindingLink(account);
        return sendJson(response, 200, { mailed: true });
      }
      sendJson(response, 200, { link: await accounts.bindingLink(account) });
    },

    // For people who have lost their passkeys. The answer is the same whether the account exists.
    'POST /api/links': async ({ request, response }) => {
      const { username } = await readFields(request, 'username');
      const account = await refuseWrongInput(accounts.find(username));
      if (account) await accounts.mailBindingLink(account);
      sendJson(response, 200, { mailed: true });
    },

    'GET /api/passkeys': async (exchange) => {
      sendJson(exchange.response, 200, await accounts.passkeys(signedIn(exchange).id));
    },

    'POST /api/passkeys': async (exchange) => {
      sendJson(exchange.response, 200, { link: await accounts.bindingLink(signedIn(exchange).id) });
    },

    'POST /api/passkeys/revoke': async (exchange) => {
      const account = signedIn(exchange);
      const { id } = await readFields(exchange.request, 'id');
      await accounts.revokePasskey(account.id, id);
      sendJson(exchange.response, 200, {});
    },

    // Leads through Keymoor to our own /bi-authenticate, where the page proves that it holds a passkey.
    'GET /sign-in': async ({ request, response }) => {
      const { pending, url } = await signIn.begin();
      const session: Session = sessions.of(request) ?? { pending: [] };
      session.pending = [...session.pending, pending].slice(-MAX_PENDING_SIGN_INS);
      if (!sessions.of(request)) sessions.start(request, response, session);
      redirect(response, url.href);
    },

    'GET /callback': async ({ request, response, url }) => {
      const pending = sessions.of(request)?.pending ?? [];
      const account = await signIn.finish(url.search, pending).catch((error: unknown) => {
        console.error('sign-in failed:', error);
      });
      if (account) sessions.start(request, response, { account, pending: [] });
      redirect(response, account ? '/' : '/?failed=sign-in');
    },

    'POST /sign-out': ({ request, response }) => {
      sessions.end(request, response);
      sendJson(response, 200, {});
    },
  };
}

/** What Keymoor says about names and addresses concerns the person, not us. */
async function refuseWrongInput<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof KeymoorApiError) || error.code !== 'bad_request') throw error;
    throw new Refusal(400, 'That name, username or address has characters that cannot be used.');
  }
}
