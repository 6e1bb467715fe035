/** A realm's events as they happen, over the server's stream of server-sent events. */
import type { Event } from '@keymoor/api-client';
import { useEffect, useRef, useState } from 'react';
import { call, tenantId } from './api.ts';
import { BASE } from './base.ts';

/** What a stream selects by: the parameters of the API. */
export type Selection = Partial<Record<'kind' | 'outcome' | 'identity_id' | 'actor' | 'correlation_id', string>>;
export type Liveness = 'connecting' | 'live' | 'lost';

const RETRY_MS = 2_000;

/** Waits between two attempts, or until nobody listens any more. */
function pause(signal: AbortSignal): Promise<void> {
  return new Promise((go) => {
    const timer = setTimeout(go, RETRY_MS);
    signal.addEventListener('abort', () => (clearTimeout(timer), go()), { once: true });
  });
}

/** Calls back with each event until the signal. Reconnects where it was. */
async function follow(realm: string, selection: Selection, on: (event: Event) => void, say: (state: Liveness) => void, signal: AbortSignal): Promise<void> {
  const path = `${BASE}/api/v1/tenants/${tenantId()}/realms/${realm}/events:stream?${new URLSearchParams(selection)}`;
  let last = '';
  while (!signal.aborted) {
    try {
      // A stream shows nobody's presence. `call` asks to sign in again if the session has ended.
      const response = await call(path, { headers: { 'x-keymoor-background': '1', ...(last && { 'last-event-id': last }) }, signal });
      // The place is unknown after a restore of the database: start again from now.
      if (response.status === 400 && last) last = '';
      else if (response.ok && response.body) {
        await read(response.body, (id, data) => {
          last = id || last;
          say('live');
          if (data) on(JSON.parse(data) as Event);
        });
      }
    } catch {
      // The connection broke, or nobody listens any more.
    }
    if (signal.aborted) return;
    say('lost');
    await pause(signal);
  }
}

/** Reads messages: those of a heartbeat have an id only. */
async function read(body: ReadableStream<Uint8Array>, on: (id: string, data: string) => void): Promise<void> {
  let text = '';
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      const field = (name: string) => lines.find((line) => line.startsWith(name))?.slice(name.length) ?? '';
      text = text.slice(end + 2);
      on(field('id: '), field('data: '));
    }
  }
}

/** Hears a realm's events while the screen is open. `undefined` hears nothing. */
export function useStream(realm: string, selection: Selection | undefined, on: (event: Event) => void): Liveness {
  const [state, setState] = useState<Liveness>('connecting');
  const latest = useRef(on);
  latest.current = on;
  const key = selection && JSON.stringify(selection);
  useEffect(() => {
    if (key === undefined || !realm) return undefined;
    const stop = new AbortController();
    setState('connecting');
    void follow(realm, JSON.parse(key) as Selection, (event) => latest.current(event), setState, stop.signal);
    return () => stop.abort();
  }, [realm, key]);
  return state;
}
