import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { recordEvents } from '../../store/feed.ts';
import { insertLiaison, type LiaisonRow, liaisonOfSubject, lockLiaison, updateLiaison } from '../../store/liaisons.ts';
import type { Trx } from '../../store/open.ts';
import { pendingAct } from '../../store/operators.ts';
import { inTransaction } from '../../store/transaction.ts';
import {
  type ActStanding,
  approveAct,
  beginAct,
  type Draft,
  isDraft,
  type PendingAct,
  proposeAct,
  type Signing,
  signersOf,
  type Weighed,
} from '../acts.ts';
import type { Exchange } from '../context.ts';
import { type Accredited, checkAccredited, unknownLiaison } from './accreditation.ts';
import { type Invitation, makeInvitation } from './invitation.ts';

// An accreditation is made and changed by acts of operators: with two of them, by two.

/** What the operators sign: the whole accreditation as it is to be, also where little of it is new. */
interface Document extends Accredited {
  readonly id: string;
  /** The identity provider that `subject` is a subject of. */
  readonly subjectIssuer?: string | undefined;
  /** Whether it comes with an invitation. */
  readonly invite: boolean;
  /** Whether it takes the place of what is in force. */
  readonly renewal?: boolean;
}

export interface LiaisonChange extends ActStanding {
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'pending';
  readonly until: string;
  /** Told once, to whoever makes the change effective. */
  readonly invitation?: Invitation;
}

/** How an act on a liaison is signed, and what it takes the place of. */
export interface ActTerms {
  readonly signing?: Signing | undefined;
  readonly insteadOf?: string | undefined;
  /** Issuer of the identity provider that is configured, for who is linked by a subject. */
  readonly subjectIssuer?: string | undefined;
}

type Kind = 'liaison.invite' | 'liaison.renew';
type Answer = LiaisonChange | Draft | Refusal;

/** Accredits a liaison and invites it: an invitation by code, or none where it is linked by the subject of its identity provider. */
export async function inviteLiaison(
  exchange: Exchange,
  { id = exchange.chance.uuid4(), ...given }: Accredited & { readonly id?: string | undefined },
  terms: ActTerms = {},
): Promise<Answer> {
  const { subject } = given;
  const wrong = checkAccredited(given, exchange.clock()) ?? checkLinked(subject, terms);
  if (wrong) return wrong;
  const document = documentOf({ ...given, id, subjectIssuer: terms.subjectIssuer, invite: subject === undefined });
  return inTransaction(exchange.store.db, async (trx) => {
    const { signing, insteadOf } = terms;
    const eyes = await beginAct(trx);
    const known = await isKnown(trx, document);
    if (known) return known;
    const act = { kind: 'liaison.invite' as Kind, subject: id, document: { ...document } };
    return settle(
      exchange,
      trx,
      act.kind,
      document,
      await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf }),
    );
  });
}

function checkLinked(subject: string | undefined, { subjectIssuer }: ActTerms): Refusal | undefined {
  if (subject === undefined || subjectIssuer !== undefined) return undefined;
  const next = 'Set CASEREF_OIDC_ISSUER and CASEREF_OIDC_CLIENT_ID, or leave --subject out.';
  return refuse('setting-invalid', '/subject', 'No identity provider is configured whose subject this is.', next);
}

function documentOf(given: Document): Document {
  const { id, name, agency, unit, jurisdictions, legalBasis, trained, until, subject, subjectIssuer, invite } = given;
  const { renewal = false } = given;
  return {
    id,
    name,
    agency,
    unit,
    jurisdictions: [...new Set(jurisdictions)].sort(),
    legalBasis,
    trained,
    until,
    ...(subject !== undefined && { subject, subjectIssuer }),
    invite,
    ...(renewal && { renewal }),
  };
}

async function isKnown(trx: Trx, { id, subject, subjectIssuer }: Document): Promise<Refusal | undefined> {
  const next = 'List them: caseref liaison list.';
  if (await lockLiaison(trx, id)) return refuse('state-conflict', '/id', 'There is such an accreditation.', next);
  return checkSubject(trx, { id, subject, subjectIssuer });
}

async function checkSubject(
  trx: Trx,
  { id, subject, subjectIssuer }: Pick<Document, 'id' | 'subject' | 'subjectIssuer'>,
): Promise<Refusal | undefined> {
  if (subject === undefined || subjectIssuer === undefined) return undefined;
  const other = await liaisonOfSubject(trx, subjectIssuer, subject);
  if (!other || other.id === id) return undefined;
  const next = `Renew that one: caseref liaison renew ${other.id}`;
  return refuse('state-conflict', '/subject', 'Another accreditation is linked to this subject.', next);
}

/** What a renewal changes; what is absent stays as it is. */
export interface Renewal extends Partial<Accredited> {
  readonly id: string;
  /** With an invitation: once it is used, the passkeys and sessions of before end. */
  readonly invite?: boolean | undefined;
}

/** Changes an accreditation: another end, another scope, a new invitation for a device that was lost. */
export async function renewLiaison(exchange: Exchange, renewal: Renewal, terms: ActTerms = {}): Promise<Answer> {
  return inTransaction(exchange.store.db, async (trx) => {
    const { signing, insteadOf } = terms;
    const eyes = await beginAct(trx);
    const row = await lockLiaison(trx, renewal.id);
    if (!row) return unknownLiaison();
    const document = documentOf({
      ...(await renewed(row, renewal, terms)),
      invite: renewal.invite ?? false,
      renewal: true,
    });
    const wrong =
      checkAccredited(document, exchange.clock()) ??
      (renewal.subject === undefined ? undefined : checkLinked(renewal.subject, terms)) ??
      (await checkSubject(trx, document));
    if (wrong) return wrong;
    const act = { kind: 'liaison.renew' as Kind, subject: row.id, document: { ...document } };
    return settle(
      exchange,
      trx,
      act.kind,
      document,
      await proposeAct(exchange, trx, { ...act, eyes, signing, insteadOf }),
    );
  });
}

async function renewed(
  row: LiaisonRow,
  renewal: Renewal,
  { subjectIssuer }: ActTerms,
): Promise<Omit<Document, 'invite'>> {
  const { subject } = renewal;
  return {
    id: row.id,
    name: renewal.name ?? row.name,
    agency: renewal.agency ?? row.agency,
    unit: renewal.unit ?? row.unit,
    jurisdictions: renewal.jurisdictions ?? row.jurisdictions,
    legalBasis: renewal.legalBasis ?? row.legal_basis,
    trained: renewal.trained ?? row.trained_on,
    until: renewal.until ?? row.until_on,
    subject,
    subjectIssuer: subject === undefined ? undefined : subjectIssuer,
  };
}

/**
 * Approves, as the second person, an accreditation or its renewal. The digest names which, for who has looked at it before;
 * without one it is what waits now, and the signature is over that.
 */
export async function approveLiaison(
  exchange: Exchange,
  { id, digest }: { readonly id: string; readonly digest?: string | undefined },
  signing?: Signing,
): Promise<Answer> {
  return inTransaction(exchange.store.db, async (trx): Promise<Answer> => {
    const eyes = await beginAct(trx);
    const row = await lockLiaison(trx, id);
    const pending = await waiting(trx, id, digest);
    if (isRefusal(pending)) {
      if (!row || eyes.enforced || pending.code !== 'not-found') return pending;
      return { id, name: row.name, state: 'active', until: row.until_on, digest: '', recordedNotEnforced: true };
    }
    const document = pending.document as unknown as Document;
    const gone =
      pending.kind === 'liaison.invite'
        ? await isKnown(trx, document)
        : row
          ? await checkSubject(trx, document)
          : unknownLiaison();
    const over = gone ?? checkAccredited(document, exchange.clock());
    if (over) return over;
    return settle(
      exchange,
      trx,
      pending.kind as Kind,
      document,
      await approveAct(exchange, trx, { eyes, signing, pending }),
    );
  });
}

async function waiting(trx: Trx, id: string, digest: string | undefined): Promise<PendingAct | Refusal> {
  const acts = await Promise.all(['liaison.invite', 'liaison.renew'].map((kind) => pendingAct(trx, [kind], id)));
  const found = acts.filter((act) => act !== undefined);
  const meant = found.find((act) => digest === undefined || act.digest === digest);
  if (meant) return meant;
  const next = 'What waits, with its command: caseref operator pending.';
  return found.length > 0
    ? refuse(
        'state-conflict',
        '/digest',
        'What waits for this liaison was changed since: it says something else.',
        next,
      )
    : refuse('not-found', '/id', 'Nothing about this liaison waits for approval.', next);
}

async function settle(
  exchange: Exchange,
  trx: Trx,
  kind: Kind,
  document: Document,
  weighed: Weighed | Draft | Refusal,
): Promise<Answer> {
  if (isRefusal(weighed) || isDraft(weighed)) return weighed;
  await weighed.record();
  const { standing, effective } = weighed;
  const { id, name, until, invite } = document;
  if (!effective) return { id, name, until, state: 'pending', ...standing };
  const at = new Date(exchange.clock());
  const row = { ...columnsOf(document), author: standing.author ?? null, approver: standing.approver ?? null };
  if (kind === 'liaison.renew') await updateLiaison(trx, id, row);
  else {
    const begun = {
      id,
      state: 'active',
      state_reason: null,
      suspended_at: null,
      created_at: at,
      used_at: at,
      seen_at: null,
    };
    await insertLiaison(trx, { ...row, ...begun });
  }
  const type = kind === 'liaison.invite' ? 'liaison.invited' : 'liaison.renewed';
  const said = { liaison: id, jurisdictions: document.jurisdictions, until, ...signersOf(standing) };
  await recordEvents(trx, [{ type, at, body: said }]);
  const invitation = invite ? await makeInvitation(exchange, trx, id) : undefined;
  return { id, name, until, state: 'active', ...standing, ...(invitation && { invitation }) };
}

/** A renewal that names no subject leaves the link as it is: its liaison may have enrolled anew while it waited. */
function columnsOf(document: Document) {
  const { name, agency, unit, jurisdictions, legalBasis, trained, until, subject, subjectIssuer, renewal } = document;
  return {
    name,
    agency,
    unit,
    jurisdictions: [...jurisdictions],
    legal_basis: legalBasis,
    trained_on: trained,
    until_on: until,
    ...(subject !== undefined || !renewal ? { subject: subject ?? null, subject_issuer: subjectIssuer ?? null } : {}),
  };
}
