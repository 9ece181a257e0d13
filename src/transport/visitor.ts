import { Pool } from 'undici';
import { TIMEOUT_MS } from './pools.ts';
import { readBody } from './read-body.ts';

/** A page of the portal with its charts is some tens of kilobytes. */
const BYTES = 1024 * 1024;

export interface Visited {
  readonly status: number;
  /** Where a redirect leads. */
  readonly location: string | undefined;
  readonly body: string;
}

/** Somebody at a portal, as a browser without script would be: keeps its cookies, follows nothing by itself. */
export interface Visitor {
  get(path: string): Promise<Visited>;
  /** Sends a form, as from a page of the same origin. */
  post(path: string, form: Readonly<Record<string, string>>): Promise<Visited>;
  close(): Promise<void>;
}

/** Visits a portal on this machine, `http://localhost:PORT`, and nothing else: another origin throws. */
export function createVisitor(origin: string): Visitor {
  const { protocol, hostname } = new URL(origin);
  if (protocol !== 'http:' || hostname !== 'localhost') throw new Error('a portal on this machine alone is visited so');
  const pool = new Pool(origin, { connections: 1, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
  const jar = new Map<string, string>();
  const ask = async (method: 'GET' | 'POST', path: string, headers: Record<string, string>, body: string | null) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = { ...headers, ...(cookie !== '' && { cookie }) };
    const answer = await pool.request({ method, path, headers: sent, body });
    keep(jar, answer.headers['set-cookie']);
    const { location } = answer.headers;
    return {
      status: answer.statusCode,
      location: typeof location === 'string' ? location : undefined,
      body: (await readBody(answer.body, BYTES)).toString('utf8'),
    };
  };
  const own = { origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' };
  return {
    get: (path) => ask('GET', path, {}, null),
    post: (path, form) => ask('POST', path, own, new URLSearchParams(form).toString()),
    close: () => pool.close(),
  };
}

/** Takes what an answer says of cookies; one whose life is over is forgotten. */
function keep(jar: Map<string, string>, said: string | string[] | undefined): void {
  for (const line of [said ?? []].flat()) {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? [];
    if (/;\s*max-age=0(?:;|$)/i.test(line)) jar.delete(name);
    else jar.set(name, value);
  }
}
