import { sql } from 'kysely';
import { linkedNotice } from './case-linked.ts';
import { trueState } from './recovery.ts';

/** What a claimed delivery (`c`) carries of a case: its statement with the sealed payload, and what decides whether a host may be told. */
export interface StatementColumns {
  statement_id: string | null;
  statement_event: string | null;
  statement_speaker: string | null;
  statement_carrier: string | null;
  statement_digest: string | null;
  statement_said: Date | null;
  statement_payload: Buffer | null;
  statement_wrapped: Buffer | null;
  case_held: boolean | null;
  case_clearance: string | null;
  case_timeout: string | null;
  linked_notice: string | null;
}

export const statementColumns = sql`
     f.case_held, f.case_clearance, f.case_timeout,
      case when c.event in ('submitted', 'revised') and (select p.type = 'industry' from partner p where p.issuer = c.partner)
        then ${linkedNotice('f')} end as linked_notice,
      s.id as statement_id, s.event as statement_event, s.speaker as statement_speaker, s.carrier as statement_carrier,
      s.digest as statement_digest, s.said_at as statement_said, s.payload as statement_payload, s.wrapped as statement_wrapped`;

export const statementJoins = sql`
    left join reference f on c.event in ('submitted', 'revised') and f.originator = c.originator and f.id = c.reference_id
    left join case_statement s on s.id = c.statement`;

/** What is said about an own reference leaves to whom the reference itself may go; about a partner's one to that partner. For a delivery `d`. */
const mayBeTold = sql`coalesce((
  select x.effect = 'send' or r.direction = 'in' from reference r
  left join decision x on x.originator = r.originator and x.id = r.id and x.partner = d.partner and x.direction = 'out'
  where r.originator = d.originator and r.id = d.reference_id
    and ${trueState} not in ('sealed', 'restricted', 'purged', 'expired')), false)`;

/**
 * What is said waits in the outbox until it may be told. What has a number does not: a number that nobody covers is a hole at the
 * partner, so that is claimed, undecided, and decided again. A condition on a delivery `d`.
 */
export const waitsUntold = sql<boolean>`(d.statement is not null and d.n is null and not ${mayBeTold})`;

/** Whether a delivery `d` carries no reference, and nothing about one that may not be told to its partner. */
export const mayLeave = sql<boolean>`(d.event not in ('submitted', 'revised') and (d.statement is null or ${mayBeTold}))`;
