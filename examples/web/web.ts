import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { json } from 'node:stream/consumers';

/** A refusal in words for the person. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
}

export type Handler = (exchange: Exchange) => Promise<void> | void;

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const MAX_BODY_BYTES = 10_000;

/** @param keymoorUrl - The only other server that the pages talk to, through the SDK. */
export function setSecurityHeaders(response: ServerResponse, keymoorUrl: string): void {
  response.setHeaders(
    new Map([
      [
        'Content-Security-Policy',
        `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ${keymoorUrl}; ` +
          "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
      ],
      // The addresses of /bind and /bi-authenticate hold secrets: nobody may learn or keep them.
      ['Referrer-Policy', 'no-referrer'],
      ['Cache-Control', 'no-store'],
      ['X-Content-Type-Options', 'nosniff'],
    ]),
  );
}

/** One handler for each file of a folder, read once: no request can name any other. */
export async function staticFiles(folder: URL): Promise<Map<string, Handler>> {
  const names = (await readdir(folder)).filter((name) => extname(name) in TYPES);
  return new Map(await Promise.all(names.map(async (name) => [name, await staticFile(new URL(name, folder))] as const)));
}

export async function staticFile(file: URL): Promise<Handler> {
  const [content, type] = [await readFile(file), TYPES[extname(file.pathname)] ?? 'application/octet-stream'];
  return ({ response }) => void response.writeHead(200, { 'Content-Type': type }).end(content);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

export function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { Location: location }).end();
}

/** The named members of a JSON body, all of them strings that aren't blank. */
export async function readFields<K extends string>(request: IncomingMessage, ...names: K[]): Promise<Record<K, string>> {
  // Browsers say how long a body is; Node cuts off what is longer than was said.
  if (!(Number(request.headers['content-length']) <= MAX_BODY_BYTES)) throw new Refusal(413, 'That was too much text.');
  const body = (await json(request).catch(() => undefined)) as Partial<Record<K, unknown>> | null | undefined;
  const fields = names.map((name) => {
    const value = body?.[name];
    if (typeof value !== 'string' || value.trim() === '') throw new Refusal(400, `Please fill in: ${name}.`);
    return [name, value.trim()] as const;
  });
  return Object.fromEntries(fields) as Record<K, string>;
}
