import { type CodeLists, refuseCode, shippedLists } from '../code-lists.ts';
import type { ToldBy } from '../contract.types.ts';
import { checkHandle } from '../handle.ts';
import { isInstant } from '../instant.ts';
import { checkJurisdiction } from '../jurisdiction.ts';
import { checkAssessment } from '../reference.ts';
import { type Refusal, refuse } from '../refusal.ts';
import type { Payloads } from './statement.ts';

/** Codes outside the lists pass with `open`; `listed` names the lists that they must stand in. */
type Mode = 'open' | { readonly listed: CodeLists };
type Finding = Refusal | undefined;
type Checks = { readonly [Name in keyof Payloads]: (payload: Payloads[Name], mode: Mode) => Finding[] };

/**
 * What the schema cannot say of an event about the case, after guard and schema: real instants, jurisdictions, handles, codes, and members that must
 * agree. `listed` refuses codes outside the lists (node API), `open` keeps them (the wire). Every finding, with pointers
 * into the payload; empty when it may pass.
 */
export function checkCaseEvent<Name extends keyof Payloads>(
  event: Name,
  payload: Payloads[Name],
  mode: 'listed' | 'open',
  lists: CodeLists = shippedLists,
): Refusal[] {
  const within: Mode = mode === 'open' ? mode : { listed: lists };
  return [...checks[event](payload, within), ...checkToldBy(payload.toldBy, within)].filter(
    (finding) => finding !== undefined,
  );
}

const checks: Checks = {
  assessed: ({ toldBy: _, ...assessment }, mode) =>
    checkAssessment(assessment, nameOf(mode), '', mode === 'open' ? undefined : mode.listed),
  acted: ({ at, action, reason, seenFrom, movedTo }, mode) => [
    instant('/at', at),
    listed('/action', 'action', action, mode),
    listed('/reason', 'reason', reason, mode),
    place('/seenFrom', seenFrom),
    place('/movedTo', movedTo),
  ],
  handover: ({ answerBy, code }, mode) => [
    instant('/answerBy', answerBy),
    listed('/code', 'handover-decline', code, mode),
  ],
  hold: ({ until, review, ground, authority }, mode) => [
    instant('/until', until),
    instant('/review', review),
    review !== undefined && until !== undefined && review > until
      ? refuse('schema-invalid', '/review', 'The review is after the end of the hold.', 'Review it before it ends.')
      : undefined,
    listed('/ground', 'hold-ground', ground, mode),
    listed('/authority', 'hold-authority', authority, mode),
  ],
  clearance: ({ deadline }) => [instant('/deadline', deadline)],
  acknowledged: ({ at, ownReference }, mode) => [
    instant('/at', at),
    ownReference && checkHandle(ownReference, '/ownReference', nameOf(mode)),
  ],
  feedback: ({ code, country }, mode) => [listed('/code', 'feedback', code, mode), place('/country', country)],
};

function checkToldBy(toldBy: ToldBy | undefined, mode: Mode): Finding[] {
  if (toldBy === undefined) return [];
  return [
    listed('/toldBy/channel', 'told-by-channel', toldBy.channel, mode),
    toldBy.reference && checkHandle(toldBy.reference, '/toldBy/reference', nameOf(mode)),
  ];
}

function instant(pointer: string, text: string | undefined): Finding {
  if (text === undefined || isInstant(text)) return undefined;
  return refuse('schema-invalid', pointer, 'The instant does not exist.', 'Write YYYY-MM-DDThh:mm:ssZ in UTC.');
}

function place(pointer: string, code: string | undefined): Finding {
  return code === undefined ? undefined : checkJurisdiction(code, pointer);
}

function nameOf(mode: Mode): 'listed' | 'open' {
  return mode === 'open' ? mode : 'listed';
}

function listed(pointer: string, list: string, code: string | undefined, mode: Mode): Finding {
  return mode === 'open' || code === undefined ? undefined : refuseCode(mode.listed, list, code, pointer);
}
