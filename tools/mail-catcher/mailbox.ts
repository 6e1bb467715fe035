/** One mail as it arrived. */
export interface Mail {
  /** Counts from 1 in order of arrival. */
  id: number;
  /** Envelope sender, without its display name. */
  from: string;
  /** Envelope recipients: who would have received it, whatever its headers say. */
  to: string[];
  subject: string;
  messageId: string | null;
  /** When it arrived, RFC 3339 in UTC. */
  received: string;
  text: string;
  html: string | null;
  /** Every address of the text part, in order, custom schemes included. */
  links: string[];
}

export interface Filter {
  to?: string | undefined;
  after?: number;
}

const KEPT = 1_000;

/** The newest mails in order of arrival, and the callers who wait for the next one. */
export class Mailbox {
  #mails: Mail[] = [];
  #nextId = 1;
  #waiting = new Set<() => void>();

  add(mail: Omit<Mail, 'id'>): void {
    this.#mails.push({ id: this.#nextId++, ...mail });
    if (this.#mails.length > KEPT) this.#mails.shift();
    for (const wake of [...this.#waiting]) wake();
  }

  get(id: number): Mail | undefined {
    return this.#mails.find((mail) => mail.id === id);
  }

  /** Mails to `to` (everybody when absent) that arrived after the mail with the id `after`. */
  list({ to, after = 0 }: Filter = {}): Mail[] {
    return this.#mails.filter((mail) => mail.id > after && (to === undefined || isAddressedTo(mail, to)));
  }

  /** As `list`, but waits up to `seconds` until there is something to return. */
  async waitFor(filter: Filter, seconds: number): Promise<Mail[]> {
    const deadline = Date.now() + seconds * 1_000;
    for (;;) {
      const found = this.list(filter);
      const left = deadline - Date.now();
      if (found.length > 0 || left <= 0) return found;
      await this.#nextArrival(left);
    }
  }

  /** Forgets all mails; ids go on counting. */
  clear(): void {
    this.#mails = [];
  }

  #nextArrival(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#waiting.add(wake);
    });
  }
}

export function linksIn(text: string): string[] {
  return text.match(/\b[a-z][a-z0-9+.-]*:\/\/[^\s<>"']+/gi) ?? [];
}

function isAddressedTo(mail: Mail, address: string): boolean {
  return mail.to.some((recipient) => recipient.toLowerCase() === address.toLowerCase());
}
