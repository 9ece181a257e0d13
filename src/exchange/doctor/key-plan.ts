import type { KeySet } from '../../domain/contract.types.ts';
import type { Finding } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { PublicKey } from '../../keys/keystore.ts';
import { compareKeys } from '../key-standing.ts';

/** Our keys beside what the published key set says of them, and how one publishes from here. */
export interface KeyStanding {
  readonly keys: readonly PublicKey[];
  readonly published: KeySet['keys'];
  readonly publish: string;
  /** Partners may have a newer key set than this store, which was put back. */
  readonly lost?: boolean;
}

const at = (seconds: number) => isoInstant(seconds * 1000);
const HOUR = 3600;
const named = (use: PublicKey['use']) => (use === 'sig' ? 'signing' : 'encryption');

/** What our keys wait for: revocations that nobody knows of, rotations that go on or stand still, private parts to be destroyed. */
export function examinePlan({ keys, published, publish, lost }: KeyStanding, now: number): Finding[] {
  return [
    ...untold({ keys, published, publish, ...(lost && { lost }) }, now),
    ...withoutEncryption(keys, now),
    ...rotations({ keys, published, publish }, now),
    ...replaced(keys, now),
  ];
}

/** The worst state there is: the key is lost, and partners still take what it signs. */
function untold({ keys, published, publish, lost = false }: KeyStanding, now: number): Finding[] {
  const { untold: revoked, unknown, forgotten } = compareKeys(keys, published, now);
  return [
    ...revoked.map((kid): Finding => {
      const message = `${kid} is revoked here, and partners do not know: they take what it signs.`;
      return { level: 'bad', code: 'revocation-unpublished', message, next: publish };
    }),
    ...unknown.map((kid): Finding => {
      const message = published.some((told) => told.kid === kid)
        ? `${kid} is in use, and the published key set lets it begin later: what it signed before, partners refuse.`
        : `${kid} is in use, and no published key set names it: partners let our messages wait.`;
      return { level: 'bad', code: 'key-unpublished', message, next: publish };
    }),
    ...forgotten.map((kid): Finding => {
      const message = `${kid} is published, and the key file knows less of it: that file is older than the key set.`;
      const next = 'Bring the newest keys/node.key back; if it is lost, revoke again what was revoked.';
      return { level: 'bad', code: 'key-file-behind', message, next };
    }),
    ...(lost ? [keySetLost(publish)] : []),
  ];
}

function keySetLost(publish: string): Finding {
  const message = 'The store was put back, and partners may have a newer key set than it: they refuse this one.';
  return { level: 'bad', code: 'key-set-behind', message, next: publish };
}

function withoutEncryption(keys: readonly PublicKey[], now: number): Finding[] {
  if (keys.some(({ use, state, exp }) => use === 'enc' && state === 'active' && exp > now)) return [];
  const message = 'There is no encryption key in use: partners that must encrypt cannot send to this node.';
  return [{ level: 'bad', code: 'encryption-key-none', message, next: 'caseref keys rotate --use enc' }];
}

function rotations({ keys, published, publish }: KeyStanding, now: number): Finding[] {
  return keys
    .filter(({ state }) => state === 'future')
    .map(({ kid, plan, nbf, use }) => {
      if (!published.some((told) => told.kid === kid)) {
        const message = `The new ${named(use)} key ${kid} is not published: it cannot be used.`;
        return { level: 'warn', code: 'key-future-unpublished', message, next: publish };
      }
      if (plan === undefined) {
        const message = `The new ${named(use)} key ${kid} is published and waits from ${at(nbf)} on for somebody to activate it.`;
        return { level: 'note', code: 'key-waiting', message, next: `caseref keys activate ${kid}` };
      }
      if (plan.activateAt + HOUR > now) {
        const message = `A rotation of the ${named(use)} key is under way: ${kid} is activated at ${at(plan.activateAt)}.`;
        return { level: 'note', code: 'rotation-planned', message };
      }
      const message = `The new ${named(use)} key ${kid} should be in use since ${at(plan.activateAt)}: no running node saw to it.`;
      return { level: 'warn', code: 'rotation-late', message, next: `caseref serve, or: caseref keys activate ${kid}` };
    });
}

function replaced(keys: readonly PublicKey[], now: number): Finding[] {
  return keys
    .filter(({ state }) => state === 'replaced')
    .map(({ kid, use, retireAt = 0 }) => {
      const next = `caseref keys retire ${kid} --yes`;
      if (retireAt + HOUR > now) {
        const message = `The private part of the ${named(use)} key ${kid}, which was replaced, is destroyed at ${at(retireAt)}.`;
        return { level: 'note', code: 'key-retiring', message };
      }
      const message = `The private part of the ${named(use)} key ${kid}, which was replaced, should be destroyed by now.`;
      return { level: 'warn', code: 'key-retiring-late', message, next };
    });
}
