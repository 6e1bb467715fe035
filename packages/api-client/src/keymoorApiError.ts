import type { Detail } from './generated/types.gen.ts';

/** The server's answer was not the requested one. */
export class KeymoorApiError extends Error {
  /** HTTP status of the response. */
  readonly status: number;
  /**
   * What to branch on: the status's name in lower snake case, such as `not_found` or `conflict`. If the access token
   * could not be had, it is the error code of OAuth (RFC 6749, section 5.2), such as `invalid_client`. If the response
   * did not come from the API, but from a proxy for example, it is `unexpected_response`.
   */
  readonly code: string;
  /** The invalid fields of the request, or the resource that the error is about. */
  readonly details: readonly Detail[];
  /** Seconds to wait before trying again, if the server named them. */
  readonly retryAfter: number | undefined;

  static {
    this.prototype.name = 'KeymoorApiError';
  }

  /**
   * @param response - Only its head is read.
   * @param body - Its parsed body.
   */
  constructor(response: Response, body: unknown) {
    const { code, message, details } = errorBody(response, body);
    super(message);
    this.status = response.status;
    this.code = code;
    this.details = details;
    const seconds = response.headers.get('retry-after') ?? '';
    this.retryAfter = /^\d+$/.test(seconds) ? Number(seconds) : undefined;
  }
}

/**
 * Reads a JSON response.
 *
 * @returns `undefined` for an empty body.
 * @throws {@link KeymoorApiError} unless the status is 2xx and the body is JSON.
 */
export async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  const body = parse(text);
  const isUnreadable = text !== '' && body === undefined;
  if (!response.ok || isUnreadable) throw new KeymoorApiError(response, body);
  return body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorBody(response: Response, body: unknown): Pick<KeymoorApiError, 'code' | 'message' | 'details'> {
  const { code, message, details, error, error_description } = (body ?? {}) as Record<string, unknown>;
  if (typeof code === 'string' && typeof message === 'string') {
    return { code, message, details: Array.isArray(details) ? details : [] };
  }
  if (typeof error === 'string') {
    return { code: error, message: typeof error_description === 'string' ? error_description : error, details: [] };
  }
  return {
    code: 'unexpected_response',
    message: `the response with status ${response.status} is not from the API`,
    details: [],
  };
}
