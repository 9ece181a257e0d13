import { codes } from '../domain/codes.ts';
import { checkJurisdiction } from '../domain/jurisdiction.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { unknownPartner } from '../domain/unknown-partner.ts';
import { recordEvents, reservePositions } from '../store/feed.ts';
import type { Trx } from '../store/open.ts';
import { pendingAct } from '../store/operators.ts';
import { bumpDirectory, lockPartner } from '../store/partners.ts';
import { replacementOf } from '../store/replacements.ts';
import { tryOut } from '../store/savepoint.ts';
import { inTransaction } from '../store/transaction.ts';
import { documentDigest } from '../wire/approval.ts';
import { isFingerprint, sameFingerprint, saysThumbprint, spokenFingerprint } from '../wire/fingerprint.ts';
import { checkNotes } from '../wire/note.ts';
import {
  type ActStanding,
  approveAct,
  beginAct,
  type Draft,
  type Eyes,
  isDraft,
  ownAct,
  type PendingAct,
  proposeAct,
  type Signing,
  signerOf,
  signersOf,
  type Weighed,
} from './acts.ts';
import { checkEncryption } from './confirm-encryption.ts';
import { checkReach } from './confirm-reach.ts';
import type { Exchange } from './context.ts';
import { confirmReplacement, type Replaced, type ReplacementConfirmation } from './replacement.ts';

/** What the operator says of a partner after the telephone call. */
export interface Confirmation extends ReplacementConfirmation {
  readonly insteadOf?: string | undefined;
}

/** What the operator's confirmation recorded: this counts from here on, not the card. */
export interface Confirmed extends Partial<ActStanding> {
  readonly issuer: string;
  /** `pending` while another operator has to hear the fingerprint as well; a replacement leaves `suspended` as it was. */
  readonly state: 'active' | 'pending' | 'suspended';
  readonly type: string;
  readonly jurisdictions: readonly string[];
  /** Members that the operator left out and that were therefore taken from the card. */
  readonly fromCard: readonly ('type' | 'jurisdictions')[];
  readonly fingerprint: string;
  readonly spoken: string;
  /** A client that cannot encrypt, by the operator's word: messages to it go unencrypted inside TLS. */
  readonly foreign: boolean;
  /** May be reached at a private address. */
  readonly local: boolean;
  /** Fingerprint of the identity key that this one replaced, where it replaces one. */
  readonly replaced?: string;
  readonly suspectSince?: string;
  readonly suspect?: number;
}

type PartnerRow = NonNullable<Awaited<ReturnType<typeof lockPartner>>>;

/**
 * Makes a pending partner active, or puts another identity in the place of the pinned one, when the fingerprint that the
 * operator compared is that of the identity key. With two operators or more the second one confirms as well, with the
 * fingerprint that this person heard and the same facts; until then nothing changes.
 */
export async function confirmPartner(
  exchange: Exchange,
  given: Confirmation,
  signing?: Signing,
): Promise<Confirmed | Draft | Refusal> {
  const wrong = checkConfirmation(given);
  if (wrong) return wrong;
  return inTransaction(exchange.store.db, async (trx) => {
    const eyes = await beginAct(trx);
    const row = await lockPartner(trx, given.issuer);
    if (!row || row.state === 'removed') return unknownPartner(given.issuer);
    // Everything that confirming would do is done, and kept only where it is effective: what is checked is what happens.
    return tryOut<Confirmed | Draft | Refusal>(trx, async () => {
      const done = await confirmOne(exchange, trx, row, given);
      if (isRefusal(done)) return { kept: false, value: done };
      const weighed = await weigh(exchange, trx, { eyes, signing, insteadOf: given.insteadOf, facts: factsOf(done) });
      if (isRefusal(weighed) || isDraft(weighed)) return { kept: false, value: weighed };
      const value: Confirmed = {
        ...done,
        ...weighed.standing,
        ...(!weighed.effective && { state: 'pending' as const }),
      };
      const after = async () => {
        await weighed.record();
        if (weighed.effective && value.replaced === undefined) await tellConfirmed(exchange, trx, value);
        if (!weighed.effective && row.state === 'pending') await noteVerifier(trx, given);
      };
      return { kept: weighed.effective, value, after };
    });
  });
}

async function confirmOne(
  exchange: Exchange,
  trx: Trx,
  row: PartnerRow,
  given: Confirmation,
): Promise<Confirmed | Refusal> {
  const waiting = await replacementOf(trx, given.issuer);
  const replaces = waiting && (row.state !== 'pending' || saysThumbprint(given.fingerprint, waiting.identity_kid));
  if (replaces) return withLocal(await confirmReplacement(exchange, trx, given), given.local ?? row.is_local);
  if (row.state !== 'pending') return refuse('state-conflict', '/issuer', `The partner is ${row.state} already.`);
  if (given.suspectSince !== undefined) {
    const message = 'No other identity key waits to be confirmed: nothing of this partner is suspect yet.';
    return refuse('usage-invalid', '/suspectSince', message, 'Confirm it without --suspect-since.');
  }
  return (
    checkReach(exchange, row) ??
    (await checkEncryption(exchange, trx, row, given.foreign ?? false)) ??
    (await checkFingerprint(row, given.fingerprint)) ??
    (await activate(exchange, trx, row, given))
  );
}

function withLocal(done: Replaced | Refusal, local: boolean): Confirmed | Refusal {
  return isRefusal(done) ? done : { ...done, local };
}

async function checkFingerprint(row: PartnerRow, fingerprint: string): Promise<Refusal | undefined> {
  if (!isFingerprint(fingerprint)) {
    const next =
      'Type what the partner read out: eight groups of five digits, or the 43 characters as they are written.';
    return refuse('usage-invalid', '/fingerprint', 'This is no fingerprint.', next);
  }
  return (await sameFingerprint(row.identity_jwk, fingerprint))
    ? undefined
    : refuse('fingerprint-mismatch', '/fingerprint');
}

async function activate(exchange: Exchange, trx: Trx, row: PartnerRow, given: Confirmation): Promise<Confirmed> {
  const { issuer, foreign = false, local = false } = given;
  const type = given.type ?? row.type;
  const jurisdictions = [...(given.jurisdictions ?? row.jurisdictions)];
  const at = new Date(exchange.clock());
  await trx
    .updateTable('partner')
    .set({
      state: 'active',
      type,
      jurisdictions,
      verified_by: verifiers(row, given),
      foreign_client: foreign,
      is_local: local,
      confirmed_at: at,
    })
    .where('issuer', '=', issuer)
    .execute();
  // The feed is locked before the node's row, here as everywhere: two orders would be a deadlock.
  await reservePositions(trx, 0);
  await bumpDirectory(trx);
  const fromCard = (['type', 'jurisdictions'] as const).filter((member) => given[member] === undefined);
  const fingerprint = row.identity_kid;
  const spoken = spokenFingerprint(fingerprint);
  return { issuer, state: 'active', type, jurisdictions, fromCard, fingerprint, spoken, foreign, local };
}

async function tellConfirmed(exchange: Exchange, trx: Trx, confirmed: Confirmed): Promise<void> {
  const { issuer: partner, type, jurisdictions } = confirmed;
  const body = { type, jurisdictions, ...signersOf(confirmed) };
  await recordEvents(trx, [{ type: 'partner.confirmed', at: new Date(exchange.clock()), partner, body }]);
}

/** The first operator's word on who compared, kept until the second one confirms. */
async function noteVerifier(trx: Trx, { issuer, verifiedBy }: Confirmation): Promise<void> {
  await trx
    .updateTable('partner')
    .set({ verified_by: verifiedBy ?? null })
    .where('issuer', '=', issuer)
    .execute();
}

function verifiers(row: PartnerRow, { verifiedBy }: Confirmation): string | null {
  const said = [row.verified_by, verifiedBy].filter((one) => one != null);
  return said.length === 0 ? null : said.join('; ');
}

/** What both operators sign. Who compared the fingerprint, and how, is each one's own to say. */
function factsOf(done: Confirmed) {
  const { issuer, fingerprint: identity, type, foreign, local, replaced, suspectSince } = done;
  return {
    issuer,
    identity,
    type,
    jurisdictions: [...new Set(done.jurisdictions)].sort(),
    foreign,
    local,
    ...(replaced !== undefined && { replaced }),
    ...(suspectSince !== undefined && { suspectSince }),
  };
}

interface Signed {
  readonly eyes: Eyes;
  readonly signing: Signing | undefined;
  readonly insteadOf: string | undefined;
  readonly facts: ReturnType<typeof factsOf>;
}

/** The second operator's confirmation is an approval where it says the same; the first one's again is a correction. */
async function weigh(
  exchange: Exchange,
  trx: Trx,
  { eyes, signing, insteadOf, facts }: Signed,
): Promise<Weighed | Draft | Refusal> {
  const act = { kind: 'partner.confirm', subject: facts.issuer, document: facts, eyes, signing, insteadOf };
  const pending = await pendingAct(trx, [act.kind], facts.issuer);
  const signer = signerOf(eyes, signing)?.name;
  if (!pending || !eyes.enforced || signer === undefined) return proposeAct(exchange, trx, act);
  const same = documentDigest(facts) === pending.digest;
  if (signer === pending.author) return same ? ownAct(eyes) : proposeAct(exchange, trx, act);
  if (same) return approveAct(exchange, trx, { eyes, signing, pending });
  if (insteadOf !== undefined) return proposeAct(exchange, trx, act);
  return differing(pending, facts);
}

const options: Readonly<Record<string, string>> = {
  type: '--as',
  jurisdictions: '--jurisdiction',
  foreign: '--foreign',
  local: '--local',
  suspectSince: '--suspect-since',
  identity: '--fingerprint',
};

function differing({ document: first, digest, author }: PendingAct, second: object): Refusal {
  const [one, two] = [first, second] as Readonly<Record<string, unknown>>[];
  const names = Object.keys({ ...one, ...two });
  const differ = names.filter((name) => said(one?.[name]) !== said(two?.[name]));
  const told = differ.map((name) => `${options[name] ?? name}: ${said(one?.[name])}, and you ${said(two?.[name])}`);
  const message = `${author} said other things: ${told.join('; ')}.`;
  const next = `Agree on what is right; what is wrong in it, ${author} corrects by confirming again. If yours is to take its place: --instead-of ${digest}`;
  return refuse('state-conflict', `/${differ[0] ?? ''}`, message, next);
}

function said(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === undefined ? 'nothing' : String(value);
}

function checkConfirmation(given: Confirmation): Refusal | undefined {
  const guarded = checkNotes({ verifiedBy: given.verifiedBy });
  if (guarded) return guarded;
  if (given.type !== undefined && !(codes.organisationType as readonly string[]).includes(given.type)) {
    return refuse(
      'usage-invalid',
      '/type',
      'The organisation type is not in the code list.',
      `Use one of: ${codes.organisationType.join(', ')}.`,
    );
  }
  for (const [index, code] of (given.jurisdictions ?? []).entries()) {
    const refusal = checkJurisdiction(code, `/jurisdictions/${index}`);
    if (refusal) return refusal;
  }
  return undefined;
}
