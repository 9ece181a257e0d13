import { audienceOf, type Holder } from '../../domain/authority/audience.ts';
import type { CaseState } from '../../domain/authority/state.ts';
import { deskOf, type Statement, sameDesk } from '../../domain/authority/statement.ts';
import type { Jurisdiction, Marking } from '../../domain/contract.types.ts';
import { INDUSTRY, isIndustryForm } from '../../domain/policy/industry.ts';
import type { ReferenceContent } from '../../domain/reference.ts';
import { noteTellings, tellings } from '../../store/case.ts';
import { reservePositions } from '../../store/feed.ts';
import type { Trx } from '../../store/open.ts';
import { deliveryInsert, type NewDelivery } from '../../store/outbox.ts';
import { insertAll } from '../../store/rows.ts';
import type { Exchange } from '../context.ts';
import type { Snapshot } from '../directory.ts';
import type { ReferenceName } from '../record.ts';
import type { CaseLog, Entered } from './log.ts';

/** What audiences depend on, of one reference now. */
export interface Telling {
  readonly state: CaseState;
  readonly places: Jurisdiction | undefined;
  readonly marking: Marking;
  /** Whom the reference was sent and may be sent now. */
  readonly holders: readonly string[];
}

/**
 * Queues every statement for whom it concerns and who was not told yet, in the order of the log: our own words, and at the
 * originator what the others said, as `relayed`. Partners that are gone, pending or without a legal basis are told nothing; a
 * later look finds them again. Part of a transaction that has the reference locked and the log written.
 */
export async function tellCase(
  exchange: Exchange,
  trx: Trx,
  { snapshot, log, at }: { readonly snapshot: Snapshot; readonly log: CaseLog; readonly at: Date },
  telling: Telling,
): Promise<number> {
  const told = await tellings(trx, log.name);
  const wanted = log.entries.flatMap((entered) =>
    audience(exchange, snapshot, log, entered, telling, told)
      .filter((partner) => !told.has(`${entered.id} ${partner}`))
      .map((partner) => ({ entered, partner })),
  );
  if (wanted.length === 0) return 0;
  let position = await reservePositions(trx, wanted.length);
  const deliveries = wanted.map(({ entered, partner }) => {
    const event = entered.statement?.by === exchange.self ? entered.statement.event : 'relayed';
    return newStatement(exchange, log.name, { partner, event, statement: entered.id, position: position++, at });
  });
  await insertAll(trx, [deliveryInsert(deliveries)]);
  const noted = deliveries.map(({ statement, partner, jti }) => ({ statement: statement as string, partner, jti }));
  await noteTellings(trx, noted, at);
  return deliveries.length;
}

function audience(
  { self }: Exchange,
  snapshot: Snapshot,
  log: CaseLog,
  { state: kept, row, statement }: Entered,
  { state, places, marking, holders }: Telling,
  told: ReadonlySet<string>,
): string[] {
  if (kept !== 'taken' || row.suspect || !statement || statement.relayed) return [];
  const { originator } = log.name;
  const known = holders.map((issuer) => holderOf(snapshot, issuer)).filter((one) => one !== undefined);
  const context = { self, subject: { originator, ...(places && { places }) }, marking, state, holders: known };
  const named = audienceOf(statement, context);
  const lifted = self === originator ? toldOfHold(log, statement, told, known) : [];
  return [...new Set([...named, ...lifted])].filter((issuer) => issuer !== self && mayHear(snapshot, issuer)).sort();
}

/** Who was told of a hold is told of its end, whoever concerns it meanwhile. */
function toldOfHold(log: CaseLog, lift: Statement, told: ReadonlySet<string>, holders: readonly Holder[]): string[] {
  if (lift.event !== 'hold' || lift.payload.step !== 'lifted') return [];
  const placed = log.entries.filter(
    ({ statement }) => statement?.event === 'hold' && sameDesk(deskOf(statement), deskOf(lift)),
  );
  return holders
    .map(({ issuer }) => issuer)
    .filter((issuer) => issuer !== lift.by && placed.some(({ id }) => told.has(`${id} ${issuer}`)));
}

function holderOf({ partners }: Snapshot, issuer: string): Holder | undefined {
  const partner = partners.get(issuer);
  if (!partner) return undefined;
  const { type, jurisdictions } = partner.facts;
  return { issuer, type, jurisdictions, assessments: partner.policy?.send.disclose?.assessments === true };
}

/** What is said leaves under the policy of whom it is said to; to a suspended partner when it is back. */
function mayHear({ partners }: Snapshot, issuer: string): boolean {
  const partner = partners.get(issuer);
  if (!partner || partner.state === 'pending' || partner.facts.type === INDUSTRY) return false;
  return partner.policy?.legal !== undefined;
}

function newStatement(
  exchange: Exchange,
  name: ReferenceName,
  given: { partner: string; event: string; statement: string; position: number; at: Date },
): NewDelivery {
  return {
    id: exchange.chance.uuid(),
    jti: exchange.chance.jti(),
    originator: name.originator,
    reference_id: name.id,
    revision: null,
    priority: given.event === 'hold' || given.event === 'acknowledged' ? 0 : 1,
    payload: null,
    ...given,
  };
}

/** What a reference says that audiences depend on. The reduced form names no places: who has it tells its originator alone. */
export function tellingOf(content: ReferenceContent, state: CaseState, holders: readonly string[]): Telling {
  const places = isIndustryForm(content) ? undefined : content.jurisdiction;
  return { state, places, marking: content.marking, holders };
}
