import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Trx } from '../../store/open.ts';
import { partnerKeyRows, partnerRow } from '../../store/partners.ts';
import { type Brought, broughtBy, messageOf, type Went, whereItWent } from '../../store/portal-case.ts';
import { readOnly } from '../../store/simulate.ts';
import { eventToken, readCompact } from '../../wire/compact.ts';
import { messageDigest } from '../../wire/digest.ts';
import { spokenFingerprint } from '../../wire/fingerprint.ts';
import { checkSignature, pinKeys } from '../../wire/pinned.ts';
import { isTokenRefusal } from '../../wire/token-refusal.ts';
import type { Exchange } from '../context.ts';
import { messagePlace, openText, ownerOf, type ReferenceName } from '../record.ts';
import { openShown } from './case.ts';
import type { Shown } from './look.ts';
import type { Viewer } from './viewer.ts';
import { recordLook } from './views.ts';

/** What became of the check that was made now, from the stored bytes and the pinned key. */
export type Verdict = 'valid' | 'invalid' | 'key-revoked' | 'suspect' | 'not-kept' | 'own';

export interface Genuine {
  readonly verdict: Verdict;
  readonly checkedAt: Date;
  readonly sender: {
    readonly issuer: string;
    readonly name: string | undefined;
    readonly confirmedAt: Date | undefined;
  };
  readonly revision: number;
  readonly message?: {
    readonly jti: string;
    readonly digest: string;
    readonly kid: string;
    readonly alg: string | undefined;
    readonly receivedAt: Date;
    readonly signedAt: Date | undefined;
  };
  /** Fingerprint of the sender's identity, in writing and as it is read out by telephone. */
  readonly fingerprint?: { readonly written: string; readonly spoken: string };
  readonly receipt?: { readonly jti: string; readonly outcome: string | undefined; readonly at: Date | undefined };
  /** Of an own reference: where it went, and what each answered. */
  readonly went: readonly (Went & { readonly name: string | undefined })[];
}

/** Checks the signature on what a liaison looks at, now: nothing is taken from an earlier check. */
export async function checkGenuine(
  exchange: Exchange,
  viewer: Viewer,
  name: ReferenceName,
): Promise<{ readonly shown: Shown; readonly genuine: Genuine } | Refusal> {
  const shown = await openShown(exchange, viewer, name);
  if (isRefusal(shown)) return shown;
  const own = shown.row.direction === 'out';
  const genuine = await readOnly(exchange.store.db, (trx) =>
    own ? ownReference(exchange, trx, name, shown) : partnersReference(exchange, trx, name, shown),
  );
  if (!genuine) return refuse('not-found');
  await recordLook(exchange, viewer, { kind: 'genuine', name, code: genuine.verdict });
  return { shown, genuine };
}

async function ownReference(exchange: Exchange, trx: Trx, name: ReferenceName, { row }: Shown): Promise<Genuine> {
  const went = await Promise.all(
    (await whereItWent(trx, name)).map(async (one) => ({ ...one, name: (await partnerRow(trx, one.partner))?.name })),
  );
  const { self, settings, clock, keys } = exchange;
  const kid = keys.identity?.kid;
  return {
    verdict: 'own',
    checkedAt: new Date(clock()),
    sender: { issuer: self, name: settings.name, confirmedAt: undefined },
    revision: row.revision,
    ...(kid !== undefined && { fingerprint: { written: kid, spoken: spokenFingerprint(kid) } }),
    went,
  };
}

async function partnersReference(
  exchange: Exchange,
  trx: Trx,
  name: ReferenceName,
  { row }: Shown,
): Promise<Genuine | undefined> {
  const jti = await broughtBy(trx, name, row.revision);
  const message = jti === null ? undefined : await messageOf(trx, name.originator, jti);
  const partner = await partnerRow(trx, name.originator);
  const sender = { issuer: name.originator, name: partner?.name, confirmedAt: partner?.confirmed_at ?? undefined };
  const told = { checkedAt: new Date(exchange.clock()), sender, revision: row.revision, went: [] };
  const identity = partner?.identity_kid;
  const fingerprint = identity !== undefined && {
    fingerprint: { written: identity, spoken: spokenFingerprint(identity) },
  };
  if (!message?.body || !row.wrapped) return { ...told, ...fingerprint, verdict: 'not-kept' };
  const key = exchange.vault.unwrap(row.wrapped, ownerOf(name));
  const compact = openText(exchange.vault, key, messagePlace(message.issuer, message.jti), message.body);
  const proof = await prove(trx, message, compact);
  const { digest, kid, received_at: receivedAt, receipt_jti, receipt_outcome, receipt_at } = message;
  return {
    ...told,
    ...fingerprint,
    verdict: proof.verdict,
    message: { jti: message.jti, digest, kid, alg: proof.alg, receivedAt, signedAt: proof.signedAt },
    ...(receipt_jti !== null && {
      receipt: {
        jti: receipt_jti,
        outcome: message.outcome ?? receipt_outcome ?? undefined,
        at: receipt_at ?? undefined,
      },
    }),
  };
}

interface Proof {
  readonly verdict: Verdict;
  readonly alg: string | undefined;
  readonly signedAt: Date | undefined;
}

/** The stored bytes against the key that was pinned for this sender and no other (RFC 7515, section 5.2), and against the digest that the receipt names. */
async function prove(trx: Trx, message: Brought, compact: string): Promise<Proof> {
  const jws = readCompact(compact, eventToken);
  if (isTokenRefusal(jws)) return { verdict: 'invalid', alg: undefined, signedAt: undefined };
  const { iat, iss } = jws.payload;
  const read = { alg: jws.alg, signedAt: typeof iat === 'number' ? new Date(iat * 1000) : undefined };
  const keys = await partnerKeyRows(trx, message.issuer);
  const pinned = await pinKeys({ issuer: message.issuer, state: 'active', foreign: false, keys });
  const key = pinned.keys.get(jws.kid);
  const fits = key?.key !== undefined && key.alg === jws.alg && key.use === 'sig' && jws.kid === message.kid;
  if (!fits || iss !== message.issuer || messageDigest(jws.signingInput) !== message.digest)
    return { ...read, verdict: 'invalid' };
  if (await checkSignature(jws, key.key, key.alg)) return { ...read, verdict: 'invalid' };
  if (message.suspect) return { ...read, verdict: 'suspect' };
  return { ...read, verdict: key.revoked === undefined ? 'valid' : 'key-revoked' };
}
