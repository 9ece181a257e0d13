import type { Issuer, Marking } from '../contract.types.ts';
import { hostNotice } from '../marking.ts';
import { INDUSTRY } from '../policy/industry.ts';
import { liesIn, POLICE } from './party.ts';
import { offerOf } from './pen.ts';
import type { CaseState, CaseSubject } from './state.ts';
import type { Statement, StatementOf } from './statement.ts';

/** An organisation that was sent the reference, as recorded, with what its policy lets it have. */
export interface Holder {
  readonly issuer: Issuer;
  readonly type: string;
  readonly jurisdictions: readonly string[];
  /** `send.disclose.assessments` of its policy. */
  readonly assessments: boolean;
}

/** What the audience of a statement depends on. */
export interface AudienceContext {
  readonly self: Issuer;
  readonly subject: Pick<CaseSubject, 'originator' | 'places'>;
  readonly marking: Marking;
  readonly state: Pick<CaseState, 'pen'>;
  /** Everybody whom the originator sent the reference; empty at other nodes. */
  readonly holders: readonly Holder[];
}

/**
 * Who is to be told a statement by this node, sorted. Everybody but the originator tells the originator, and the giver of a
 * hand-over also the one who gets the pen. The originator tells those holders whom the event concerns, never the one who said it:
 * - `handover`, `acted`: every holder; `assessed`: those to whom the policy discloses assessments;
 * - `hold`, and what police answer to `clearance`: the holder of the pen and whoever may tell the host, and nobody else;
 * - a request for clearance: those, and law enforcement;
 * - `acknowledged`, `feedback`: nobody, they are for the originator;
 * - an industry partner is told none of it.
 * What a new recipient or a new holder of the pen has to be told is found by asking about the whole log again. Who was told of a
 * hold and is no longer concerned is told of its lift by the caller, or sees it end by itself.
 */
export function audienceOf(statement: Statement, context: AudienceContext): Issuer[] {
  const { self, subject, state } = context;
  if (self === subject.originator)
    return context.holders
      .filter((holder) => holder.issuer !== statement.by && concerns(statement, holder, context))
      .map(({ issuer }) => issuer)
      .sort();
  if (statement.by !== self) return [];
  const receiver = statement.event === 'handover' ? receiverOf(statement, state.pen.offers) : [];
  return [...new Set([subject.originator, ...receiver])].sort();
}

function concerns(statement: Statement, holder: Holder, context: AudienceContext): boolean {
  if (holder.type === INDUSTRY) return false;
  switch (statement.event) {
    case 'handover':
    case 'acted':
      return true;
    case 'assessed':
      return holder.assessments;
    case 'hold':
      return mayTellHost(holder, context);
    case 'clearance': {
      const asked = statement.payload.step === 'requested' && holder.type === POLICE;
      return asked || mayTellHost(holder, context);
    }
    default:
      return false;
  }
}

/** The holder of the pen, and organisations of the hosting country that the marking does not forbid to tell the host. */
function mayTellHost({ issuer, type, jurisdictions }: Holder, { state, subject, marking }: AudienceContext): boolean {
  if (state.pen.holders.includes(issuer)) return true;
  const hosting = subject.places?.hosting;
  if (type === POLICE || hosting === undefined || hostNotice(marking) === 'must-not') return false;
  return liesIn(hosting, jurisdictions);
}

/** The one a pen is given to hears the steps of its giver directly; it need not wait for the originator. */
function receiverOf(step: StatementOf<'handover'>, offers: CaseState['pen']['offers']): Issuer[] {
  const { step: kind, to } = step.payload;
  if (kind !== 'offered' && kind !== 'confirmed') return [];
  const receiver = kind === 'offered' ? to : offerOf(offers, step)?.to;
  return receiver === undefined ? [] : [receiver];
}
