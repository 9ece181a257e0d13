import type { Agent, Dispatcher } from 'undici';
import { failureCode } from './failure-code.ts';
import { readBody } from './read-body.ts';
import { type Reach, targetOf } from './target.ts';

/** What a partner says of its key set; `etag` only where it can be stored and sent again. */
export type KeySetAnswer =
  | { readonly status: 'fresh'; readonly compact: string; readonly etag?: string }
  | { readonly status: 'same' }
  | { readonly status: 'unreachable'; readonly code: string };

/** Above the largest key set, so that one that is too large is told so by its own rule. */
export const KEY_SET_BYTES = 96 * 1024;
const KEY_SET = 'application/jwk-set+jwt';

/** An entity tag in quotes, in visible ASCII (RFC 9110, section 8.8.3), short enough to keep. */
const entityTag = /^(W\/)?"[\x21\x23-\x7e]*"$/;
const TAG_BYTES = 128;

function usableTag(tag: unknown): string | undefined {
  return typeof tag === 'string' && tag.length <= TAG_BYTES && entityTag.test(tag) ? tag : undefined;
}

/** One request within a time limit of its own; never follows, never decompresses, never throws for what the network does. */
export async function getKeySet(
  dispatcher: Agent,
  url: string,
  etag: string | undefined,
  { reach, signal }: { readonly reach: Reach; readonly signal: AbortSignal },
): Promise<KeySetAnswer> {
  const target = targetOf(url, reach);
  if (typeof target === 'string') return { status: 'unreachable', code: target };
  const known = usableTag(etag);
  try {
    const answer = await dispatcher.request({
      origin: target.origin,
      path: target.pathname + target.search,
      method: 'GET',
      headers: {
        accept: KEY_SET,
        'accept-encoding': 'identity',
        // A cache in between must not answer with what was true before a revocation.
        'cache-control': 'no-cache',
        ...(known !== undefined && { 'if-none-match': known }),
      },
      signal,
    });
    return await readKeySet(answer, known !== undefined);
  } catch (failure) {
    return { status: 'unreachable', code: failureCode(failure) };
  }
}

async function readKeySet(answer: Dispatcher.ResponseData, conditional: boolean): Promise<KeySetAnswer> {
  const { statusCode, headers, body } = answer;
  const code =
    statusCode === 200 ? faultOf(headers) : statusCode === 304 && conditional ? 'same' : `http-${statusCode}`;
  if (code !== undefined) {
    // Nothing of it is wanted; a little is read so that the connection can serve again.
    await readBody(body, 1024).catch(() => undefined);
    return code === 'same' ? { status: 'same' } : { status: 'unreachable', code };
  }
  const bytes = await readBody(body, KEY_SET_BYTES);
  const etag = usableTag(headers.etag);
  // One character a byte: what is no ASCII stays different from every base64url character and is refused as such.
  return { status: 'fresh', compact: bytes.toString('latin1'), ...(etag !== undefined && { etag }) };
}

function faultOf(headers: Dispatcher.ResponseData['headers']): string | undefined {
  const { 'content-type': type, 'content-encoding': coding = 'identity' } = headers;
  const media = typeof type === 'string' ? type.split(';', 1)[0]?.trim().toLowerCase() : undefined;
  if (media !== KEY_SET) return 'media-type-unexpected';
  return coding === 'identity' ? undefined : 'coding-unexpected';
}
