import type { KeySet } from '../../domain/contract.types.ts';
import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import { isRefusal } from '../../domain/refusal.ts';
import type { PublicKey } from '../../keys/keystore.ts';
import { countOwed } from '../../store/attest.ts';
import { openCard } from '../../wire/card.ts';
import type { Exchange } from '../context.ts';
import { publishedRow, readPublished, storedCard } from '../published.ts';
import { examinePlan } from './key-plan.ts';

const DAY = 86_400;
/** Days before the end of an operational key at which it should be replaced, of the key set, and of the card. */
const KEY_DAYS = 45;
const KEY_SET_DAYS = 30;
const CARD_DAYS = 7;

/** Instants in seconds since 1970. */
export interface OwnKeys {
  /** End of the key that signs messages. */
  readonly activeUntil: number;
  /** End of the published key set; undefined where none is published. */
  readonly publishedUntil: number | undefined;
  readonly identityPresent: boolean;
  /** End of the stored card; undefined where there is none that lives. */
  readonly cardUntil?: number | undefined;
  /** All keys, and what the published key set says of them. */
  readonly keys?: readonly PublicKey[];
  readonly published?: KeySet['keys'];
  /** Partners may have a newer key set than this store, which was put back. */
  readonly lost?: boolean;
  /** Messages of a lost key that are still to be said again. */
  readonly owed?: number;
}

export async function readOwnKeys(exchange: Exchange): Promise<OwnKeys> {
  // The key set first: a change that is made meanwhile must not make the key file look like the older one.
  const { keySet, seq } = await publishedRow(exchange.store.db);
  await exchange.keys.reload();
  const keys = exchange.keys.publicKeys();
  const claims = keySet === null ? undefined : readPublished(keySet).claims;
  const active = keys.filter(({ state, use }) => state === 'active' && use === 'sig').map(({ exp }) => exp);
  return {
    activeUntil: active.length === 0 ? 0 : Math.min(...active),
    publishedUntil: claims?.exp,
    // A file that does not open with the node's passphrase is here all the same.
    identityPresent: (await exchange.keys.openIdentity()) !== undefined,
    cardUntil: await cardEnd(exchange),
    keys,
    published: claims?.keys ?? [],
    lost: claims !== undefined && seq > claims.seq,
    owed: await countOwed(exchange.store.db),
  };
}

async function cardEnd(exchange: Exchange): Promise<number | undefined> {
  const card = await storedCard(exchange);
  if (card === undefined) return undefined;
  const now = Math.floor(exchange.clock() / 1000);
  const opened = await openCard(card, { now, loopback: exchange.profile.loopback });
  return isRefusal(opened) ? undefined : opened.card.exp;
}

/** How long our own keys still last, and what they wait for. `now` in seconds. */
export function examineKeys(own: OwnKeys, now: number): Finding[] {
  const { activeUntil, publishedUntil, identityPresent, keys = [], published = [], lost = false } = own;
  const publish = identityPresent
    ? 'caseref keys publish'
    : 'caseref keys publish --identity FILE, where FILE is the identity key; on another machine: caseref keys export-public FILE';
  return [
    ...examineActive(activeUntil, now, identityPresent ? 'caseref keys rotate' : `caseref keys rotate. ${publish}`),
    ...examinePublished(publishedUntil, now, publish),
    ...(keys.length === 0 ? [] : examinePlan({ keys, published, publish, lost }, now)),
    ...(own.keys === undefined || identityPresent ? [] : examineCard(own.cardUntil, now)),
    ...examineOwed(own.owed ?? 0),
    identity(identityPresent),
  ];
}

/** What a lost key signed is said again by a running node, to each partner that knows the key of now. */
function examineOwed(owed: number): Finding[] {
  if (owed === 0) return [];
  const many = owed === 1 ? '1 message of a lost key waits' : `${owed} messages of a lost key wait`;
  const message = `${many} to be said again under a good one: until then partners doubt them.`;
  return [{ level: 'note', code: 'attestations-waiting', message, next: 'Let the node run: caseref serve' }];
}

function examineActive(until: number, now: number, next: string): Finding[] {
  const end = day(until);
  if (until <= 0) {
    const message = 'No key signs messages: nothing can be sent.';
    return [{ level: 'bad', code: 'key-expired', message, next }];
  }
  if (until <= now) {
    const message = `The key that signs messages has ended on ${end}: partners refuse what it signs.`;
    return [{ level: 'bad', code: 'key-expired', message, next }];
  }
  if (until - now < KEY_DAYS * DAY) {
    return [{ level: 'warn', code: 'key-expiring', message: `The key that signs messages ends on ${end}.`, next }];
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

/** Without the identity key a card lasts for a month after the last publication; it is needed for new partners only. */
function examineCard(until: number | undefined, now: number): Finding[] {
  if (until !== undefined && until - now >= CARD_DAYS * DAY) return [];
  const message =
    until === undefined
      ? 'There is no card that lives: new partners cannot be introduced from here.'
      : `The card for new partners ends on ${day(until)}.`;
  return [{ level: 'note', code: 'card-ending', message, next: 'Publish where the identity key is: it signs both.' }];
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
