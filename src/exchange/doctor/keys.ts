import type { KeySet } from '../../domain/contract.types.ts';
import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import { keySetToken, readCompact } from '../../wire/compact.ts';
import { isTokenRefusal } from '../../wire/token-refusal.ts';
import type { Exchange } from '../context.ts';
import { publishedKeySet } from '../publish.ts';

const DAY = 86_400;
/** Days before the end of an operational key at which it should be replaced, and of the key set. */
const KEY_DAYS = 45;
const KEY_SET_DAYS = 30;

/** Instants in seconds since 1970. */
export interface OwnKeys {
  /** End of the key that signs messages. */
  readonly activeUntil: number;
  /** End of the published key set; undefined where none is published. */
  readonly publishedUntil: number | undefined;
  readonly identityPresent: boolean;
}

export async function readOwnKeys(exchange: Exchange): Promise<OwnKeys> {
  const active = exchange.keys.publicKeys().find(({ state }) => state === 'active');
  const published = await publishedKeySet(exchange);
  const jws = published && readCompact(published.keySet, keySetToken);
  const claims = jws && !isTokenRefusal(jws) ? (jws.payload as unknown as KeySet) : undefined;
  return {
    activeUntil: active?.exp ?? 0,
    publishedUntil: claims?.exp,
    identityPresent: exchange.keys.identity !== undefined,
  };
}

/** How long our own keys still last. `now` in seconds. */
export function examineKeys({ activeUntil, publishedUntil, identityPresent }: OwnKeys, now: number): Finding[] {
  const publish = identityPresent ? 'caseref keys publish' : 'Bring keys/identity.key back, then: caseref keys publish';
  return [
    ...examineActive(activeUntil, now, publish),
    ...examinePublished(publishedUntil, now, publish),
    identity(identityPresent),
  ];
}

function examineActive(until: number, now: number, publish: string): Finding[] {
  const end = day(until);
  if (until <= now) {
    const message = `The key that signs messages has ended on ${end}: partners refuse what it signs.`;
    return [{ level: 'bad', code: 'key-expired', message, next: `caseref keys generate, then ${publish}` }];
  }
  if (until - now < KEY_DAYS * DAY) {
    const message = `The key that signs messages ends on ${end}.`;
    return [{ level: 'warn', code: 'key-expiring', message, next: `caseref keys generate, then ${publish}` }];
  }
  return [{ level: 'ok', code: 'key', message: `The key that signs messages lasts until ${end}.` }];
}

function examinePublished(until: number | undefined, now: number, next: string): Finding[] {
  if (until === undefined) {
    const message = 'No key set is published: partners cannot verify anything of ours.';
    return [{ level: 'bad', code: 'key-set-missing', message, next }];
  }
  const end = day(until);
  if (until <= now) {
    const message = `Our published key set has ended on ${end}: partners stop to take our messages 14 days later.`;
    return [{ level: 'bad', code: 'key-set-expired', message, next }];
  }
  if (until - now < KEY_SET_DAYS * DAY) {
    return [{ level: 'warn', code: 'key-set-expiring', message: `Our published key set ends on ${end}.`, next }];
  }
  return [{ level: 'ok', code: 'key-set', message: `Our published key set lasts until ${end}.` }];
}

function identity(present: boolean): Finding {
  const message = present
    ? 'The identity key is on this machine: it may be kept offline between publications.'
    : 'The identity key is kept elsewhere: key sets cannot be published from here.';
  return { level: 'note', code: present ? 'identity-here' : 'identity-elsewhere', message };
}

function day(seconds: number): string {
  return isoInstant(seconds * 1000).slice(0, 10);
}
