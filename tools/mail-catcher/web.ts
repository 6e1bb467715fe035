import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Mail, Mailbox } from './mailbox.ts';
import { listPage, mailPage, STYLE } from './pages.ts';

const LONGEST_WAIT_SECONDS = 60;

/**
 * `GET /` and `/mails/{id}` are pages. `GET /mails.json?to=ADDRESS&after=ID&wait=SECONDS` is an array of `Mail`,
 * held back up to `wait` seconds until it has an element. `DELETE /mails.json` forgets all mails.
 */
export async function answer(mailbox: Mailbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Mails hold sign-in links: a page of another site that points its name at loopback must not read them.
  if (!/^(localhost|127\.0\.0\.1)(:\d+)?$/.test(request.headers.host ?? '')) {
    return send(response, 403, 'text/plain', 'This mail catcher answers to localhost only.\n');
  }
  const url = new URL(request.url ?? '/', 'http://localhost');
  const route = `${request.method} ${url.pathname}`;
  const mail = mailbox.get(Number(/^GET \/mails\/(\d+)(\/html)?$/.exec(route)?.[1]));

  if (route === 'GET /') return send(response, 200, 'text/html', listPage(mailbox.list()));
  if (route === 'GET /style.css') return send(response, 200, 'text/css', STYLE);
  if (route === 'GET /mails.json') return send(response, 200, 'application/json', JSON.stringify(await query(mailbox, url)));
  if (route === 'DELETE /mails.json') {
    mailbox.clear();
    return send(response, 204, 'application/json', '');
  }
  if (mail && route.endsWith('/html')) return sendForeignHtml(response, mail);
  if (mail) return send(response, 200, 'text/html', mailPage(mail));
  return send(response, 404, 'text/plain', 'There is no such page or mail.\n');
}

function query(mailbox: Mailbox, url: URL): Promise<Mail[]> {
  const to = url.searchParams.get('to') ?? undefined;
  const after = Number(url.searchParams.get('after')) || 0;
  const wait = Number(url.searchParams.get('wait')) || 0;
  return mailbox.waitFor({ to, after }, Math.min(wait, LONGEST_WAIT_SECONDS));
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Security-Policy': "default-src 'none'; style-src 'self'; frame-src 'self'; frame-ancestors 'none'",
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}

/** A mail's own markup runs no script and fetches nothing; its links open in a tab of their own. */
function sendForeignHtml(response: ServerResponse, mail: Mail): void {
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
  });
  response.end(`<base target="_blank">${mail.html ?? ''}`);
}
