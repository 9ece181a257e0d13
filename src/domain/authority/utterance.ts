import type { Handle, Issuer } from '../contract.types.ts';
import { leavesToPoliceOnly } from '../handle.ts';
import { INDUSTRY } from '../policy/industry.ts';
import { POLICE } from './party.ts';
import type { Statement } from './statement.ts';

declare const told: unique symbol;

/** A statement as it may leave for one recipient: the only thing about a case that wire encodes, and only this file makes one. */
export type Utterance = Pick<Statement, 'event' | 'payload' | 'said' | 'by'> & { readonly [told]: true };

/**
 * Makes what leaves of a statement for one recipient, by the organisation type recorded for it. Case numbers of police systems, and of systems that
 * this node does not know, leave to police only. Throws for an industry partner, which is told nothing of a case.
 */
export function utter(statement: Statement, recipient: { readonly issuer: Issuer; readonly type: string }): Utterance {
  if (recipient.type === INDUSTRY) throw new Error('an event of a case was about to leave to an industry partner');
  const { event, payload, said, by } = statement;
  const leaves = (handle: Handle | undefined) =>
    handle !== undefined && (recipient.type === POLICE || !leavesToPoliceOnly(handle.system));
  const kept: Record<string, unknown> = { ...payload };
  if (event === 'acknowledged' && !leaves(payload.ownReference)) delete kept.ownReference;
  if (payload.toldBy !== undefined && !leaves(payload.toldBy.reference)) {
    const { channel, unit } = payload.toldBy;
    kept.toldBy = { channel, unit };
  }
  return Object.freeze({ event, payload: kept, said, by }) as unknown as Utterance;
}
