import type { Endpoints } from '../../domain/contract.types.ts';
import { type Finding, worstFirst } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import type { Refusal } from '../../domain/refusal.ts';
import { unknownPartner } from '../../domain/unknown-partner.ts';
import { partnerRow } from '../../store/partners.ts';
import { isAlertOpen } from '../../store/refresh.ts';
import { replacementOf } from '../../store/replacements.ts';
import { suspectLeft } from '../../store/suspect-left.ts';
import { identityStanding } from '../../store/told.ts';
import type { Exchange } from '../context.ts';
import type { PartnerEntry } from '../directory.ts';
import { encryptionOf } from '../partner-directory.ts';
import { askClocks, type Offset } from './clock.ts';
import { examineLatency } from './latency.ts';
import { examinePartner } from './partner.ts';
import { examinePolls } from './polling.ts';
import { tryRoundTrips } from './round-trip.ts';
import { examineSuspect } from './suspect.ts';
import { examineTold } from './told.ts';

const DAY = 86_400_000;
/** No news of a key set for this long, and a revocation would not be noticed. */
const STALE_MS = 7 * DAY;
/** A clock that differs by more makes messages wait (120 s). */
const MOST_OFF_MS = 60_000;

/** What was tried and looked at for one partner: one line each. */
export interface PartnerCheck {
  readonly issuer: string;
  readonly at: string;
  /** Nothing is bad. */
  readonly well: boolean;
  readonly findings: readonly Finding[];
}

/** Looks at everything between this node and one partner, and tries the way there and back where the node runs. */
export async function checkPartner(
  exchange: Exchange,
  issuer: string,
  running: boolean,
): Promise<PartnerCheck | Refusal> {
  const { db } = exchange.store;
  const row = await partnerRow(db, issuer);
  const entry = (await exchange.directory.within(db)).partners.get(issuer);
  if (!row || !entry) return unknownPartner(issuer);
  const now = exchange.clock();
  const tryable = running && entry.state === 'active';
  const [offsets, trips, polls, latency, replacement, suspect, unknown, identity] = await Promise.all([
    askClocks(exchange, [entry]),
    tryable ? tryRoundTrips(exchange, [entry]) : [notTried(entry, running)],
    examinePolls(exchange, issuer),
    examineLatency(exchange, issuer),
    replacementOf(db, issuer),
    suspectLeft(db, issuer),
    isAlertOpen(db, 'identity-unknown', issuer),
    identityStanding(db),
  ]);
  const { state, policy } = entry;
  const standing = {
    issuer,
    state,
    policy,
    keySetUntil: row.key_set_exp * 1000,
    waiting: undefined,
    queued: 0,
    shut: false,
  };
  const findings = [
    ...offsets.map((offset) => reached(offset, entry)),
    ...trips,
    ...polls,
    ...latency,
    ...examinePartner(standing, now).map((one) => (one.level === 'ok' ? policyFine(issuer) : one)),
    keySetFinding(issuer, row, now),
    algorithmFinding(exchange, entry),
    verifiableFinding(entry, now),
    encryptionFinding(entry, now),
    ...(replacement ? [replacementFinding(issuer)] : []),
    ...(unknown ? [unknownIdentityFinding(issuer)] : []),
    ...examineTold(row, identity),
    ...examineSuspect(issuer, suspect.get(issuer)),
  ];
  const well = !findings.some(({ level }) => level === 'bad');
  return { issuer, at: isoInstant(now), well, findings: worstFirst(findings) };
}

function policyFine(partner: string): Finding {
  return { level: 'ok', code: 'policy', partner, message: 'A policy with a legal basis is in force.' };
}

function notTried({ facts: { issuer: partner }, state }: PartnerEntry, running: boolean): Finding {
  const message = running
    ? `No round trip was made: the partner is ${state}.`
    : 'No round trip was made: no node runs on this directory.';
  const next = running ? undefined : 'caseref serve';
  return { level: 'note', code: 'round-trip-skipped', partner, message, ...(next !== undefined && { next }) };
}

function reached({ partner, aheadMs, code }: Offset, { endpoints }: PartnerEntry): Finding {
  if (aheadMs === undefined && code !== 'no-date') {
    if (endpoints.push === undefined)
      return { level: 'note', code: 'reachability', partner, message: 'It only polls, and cannot be reached.' };
    const message = `Its peer listener cannot be reached (${code ?? 'no answer'}).`;
    return { level: 'bad', code: 'partner-unreachable', partner, message, next: 'Call its operator.' };
  }
  if (aheadMs === undefined) {
    return { level: 'note', code: 'clock-unknown', partner, message: 'Its peer listener answers, and tells no time.' };
  }
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  const message = `Its peer listener answers; our clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} its own.`;
  if (Math.abs(aheadMs) <= MOST_OFF_MS) return { level: 'ok', code: 'reachability', partner, message };
  const next = 'Look whether this machine keeps its time: timedatectl status; if it does, tell the partner.';
  return { level: 'bad', code: 'clock-differs', partner, message, next };
}

interface KeySetStanding {
  readonly key_set_seq: number;
  readonly key_set_at: Date;
  readonly refreshed_at: Date | null;
  readonly refresh_tried_at: Date | null;
  readonly refresh_failures: number;
  readonly endpoints: Endpoints;
}

function keySetFinding(partner: string, row: KeySetStanding, now: number): Finding {
  const newest = row.refreshed_at ?? row.key_set_at;
  const since = isoInstant(newest.getTime());
  const failed = row.refresh_failures === 0 ? '' : ` (failures in a row: ${row.refresh_failures})`;
  const tried =
    row.refresh_tried_at === null ? '' : `, last asked for ${isoInstant(row.refresh_tried_at.getTime())}${failed}`;
  const message = `Its key set ${row.key_set_seq} came ${isoInstant(row.key_set_at.getTime())} and was the newest ${since}${tried}.`;
  if (row.endpoints.push === undefined) {
    return {
      level: 'ok',
      code: 'key-set',
      partner,
      message: `${message} It only polls, and brings its key sets itself.`,
    };
  }
  if (now - newest.getTime() <= STALE_MS) {
    return { level: row.refresh_failures > 0 ? 'warn' : 'ok', code: 'key-set', partner, message };
  }
  const next = 'Call its operator: a revocation would not be noticed. A newer card helps: caseref partner update FILE';
  return { level: 'bad', code: 'key-set-stale', partner, message, next };
}

function algorithmFinding(exchange: Exchange, { facts: { issuer: partner }, algs }: PartnerEntry): Finding {
  const signer = exchange.keys.signer(algs);
  if (signer) {
    const message = `We sign with ${signer.alg}, which it verifies.`;
    return { level: 'ok', code: 'algorithm', partner, message };
  }
  const message = `It verifies ${algs.join(', ')}, and no key of ours signs with one of these: everything for it waits.`;
  return { level: 'bad', code: 'algorithm-not-shared', partner, message, next: `caseref keys rotate --alg ${algs[0]}` };
}

/** Whether any key of the partner signs messages that we take. */
function verifiableFinding({ facts: { issuer: partner }, keys, policy }: PartnerEntry, now: number): Finding {
  const seconds = Math.floor(now / 1000);
  const current = [...keys.keys.values()].filter(
    ({ use, nbf = 0, exp = Number.POSITIVE_INFINITY, revoked, key }) =>
      use === 'sig' && nbf <= seconds && exp > seconds && revoked === undefined && key !== undefined,
  );
  if (current.length > 0) {
    const algs = [...new Set(current.map(({ alg }) => alg))].join(', ');
    return { level: 'ok', code: 'signing-key', partner, message: `It signs with ${algs}, which we take.` };
  }
  const allowed = policy?.security?.algs;
  const why = allowed === undefined ? '' : ` (our policy allows ${allowed.join(', ')})`;
  const message = `It has no current signing key that we take${why}: everything from it is refused.`;
  return { level: 'bad', code: 'signing-key-missing', partner, message, next: 'Ask its operator: caseref keys list' };
}

function encryptionFinding(entry: PartnerEntry, now: number): Finding {
  const { issuer: partner } = entry.facts;
  const { mode, kid } = encryptionOf(entry, now);
  if (kid !== undefined && mode !== 'none') {
    const message = `Messages to it are encrypted (${mode}), now to ${kid}.`;
    return { level: 'ok', code: 'encryption', partner, message };
  }
  if (mode === 'required') {
    const message = 'Messages to it must be encrypted, and it publishes no current encryption key: they wait.';
    const next = 'Ask its operator to publish one: caseref keys generate --use enc, then caseref keys publish';
    return { level: 'bad', code: 'encryption-key-missing', partner, message, next };
  }
  return { level: 'note', code: 'encryption', partner, message: 'Messages to it are signed and not encrypted.' };
}

function replacementFinding(partner: string): Finding {
  const message = 'A card with another identity key waits to be confirmed; the old key stays in force until then.';
  const next = `Call it on a number that you had before: caseref partner show ${partner}`;
  return { level: 'bad', code: 'identity-changed', partner, message, next };
}

function unknownIdentityFinding(partner: string): Finding {
  const message = 'It signs its key set with another identity than the pinned one: nothing new of it is taken.';
  const next = `Call it on a number that you had before, and ask for its new card: caseref partner show ${partner}`;
  return { level: 'bad', code: 'identity-unknown', partner, message, next };
}
