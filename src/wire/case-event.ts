import { checkCaseEvent } from '../domain/authority/check.ts';
import { type Statement, saidAt } from '../domain/authority/statement.ts';
import type { Issuer, Relayed, SourceRef } from '../domain/contract.types.ts';
import { type CaseEventName, caseEventNames, EVENT_PREFIX } from '../domain/message.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { VerifiedSet } from './open.ts';
import { checkSchema } from './schema.ts';

/** What a partner says about a reference, opened. */
export interface OpenedStatement {
  /** Originator and id of the reference. */
  readonly reference: SourceRef;
  readonly statement: Statement;
  /** Who sent it: the speaker, or the originator who relays it. */
  readonly sender: Issuer;
  /** Digest of the message in which it was said. */
  readonly digest: string;
}

/** The name of an event about a case, `relayed` included, or undefined for any other event. */
export function caseEventOf({ event }: Pick<VerifiedSet, 'event'>): CaseEventName | 'relayed' | undefined {
  const name = event.name.startsWith(EVENT_PREFIX) ? event.name.slice(EVENT_PREFIX.length) : '';
  return name === 'relayed' ? name : caseEventNames.find((known) => known === name);
}

/**
 * Opens an event about a case: step 8 of the verification order after the content guard, schema and content. Who may say it is for
 * `mayRecord` and `mayRelay`. A refusal is the first one found.
 */
export function openStatement(
  { claims, event: { payload }, digest }: Pick<VerifiedSet, 'claims' | 'event' | 'digest'>,
  name: CaseEventName | 'relayed',
): OpenedStatement | Refusal {
  const { iss: sender, jti, sub_id: subject } = claims;
  if (subject.format !== 'iss_sub') return refuse('schema-invalid', '', 'The subject is not a reference.');
  const reference = { iss: subject.iss, sub: subject.sub };
  const [malformed] = checkSchema(name, payload);
  if (malformed) return malformed;
  const relayed = name === 'relayed';
  const words = relayed
    ? (payload as unknown as Relayed)
    : { by: sender, event: name, jti, digest, body: payload as object };
  // The schema of the event has passed, so the body is the payload of the event named.
  const statement = {
    event: words.event,
    payload: words.body,
    by: words.by,
    jtis: [words.jti],
    said: saidAt(claims),
    relayed,
  } as unknown as Statement;
  const [wrong] = checkCaseEvent(statement.event, statement.payload, 'open');
  if (wrong) return relayed ? { ...wrong, pointer: `/body${wrong.pointer}` } : wrong;
  return { reference, statement, sender, digest: words.digest };
}
