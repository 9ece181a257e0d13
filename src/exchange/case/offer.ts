import type { CaseState } from '../../domain/authority/state.ts';
import type { CaseEventName } from '../../domain/message.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import { unknownPartner } from '../../domain/unknown-partner.ts';
import { holdersOf } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import type { Exchange } from '../context.ts';
import type { CaseLog } from './log.ts';
import type { Settling } from './settle.ts';

type Payload = Readonly<Record<string, unknown>>;
/** What is about to be said. */
interface Spoken<Body = Payload> {
  readonly event: CaseEventName;
  readonly payload: Body;
}

/** An answer names the offer that it answers, and a confirmation the acceptance: nobody has to look them up. */
export function withOffer({ self }: Exchange, log: CaseLog, { pen }: CaseState, { event, payload }: Spoken<unknown>) {
  const given = payload as Payload;
  if (event !== 'handover' || 'accepts' in given) return given;
  if (given.step === 'accepted' || given.step === 'declined' || given.step === 'returned') {
    const offers = given.step === 'returned' ? pen.offers.filter(({ state }) => state === 'confirmed') : pen.pending;
    const offer = offers.findLast(({ to }) => to === self);
    return offer?.jtis[0] === undefined ? given : { ...given, accepts: offer.jtis[0] };
  }
  if (given.step !== 'confirmed') return given;
  const answered = log.entries.findLast(
    ({ state, statement }) =>
      state === 'taken' && statement?.event === 'handover' && statement.payload.step === 'accepted',
  );
  const jti = answered?.statement?.jtis[0];
  return jti === undefined ? given : { ...given, accepts: jti };
}

/**
 * Why an own reference cannot be offered to somebody: an offer that nobody hears of would only keep the pen from others for three
 * days. Who has a partner's reference is known to its originator alone, which passes the offer on.
 */
export async function refuseUnheardOffer(
  { self }: Exchange,
  trx: Trx,
  { snapshot, log: { name } }: Settling,
  { event, payload }: Spoken,
): Promise<Refusal | undefined> {
  const { step, to } = payload;
  if (event !== 'handover' || step !== 'offered' || name.originator !== self || typeof to !== 'string')
    return undefined;
  // What nobody may do at all is refused by its own rule.
  if (to === self) return undefined;
  if (!snapshot.partners.has(to)) return unknownPartner(to, '/to');
  if ((await holdersOf(trx, name)).some(({ partner }) => partner === to)) return undefined;
  const next = `Look what keeps it from there, and let it be sent first: caseref policy explain ${to} ${name.id}`;
  return refuse(
    'state-conflict',
    '/to',
    'This partner was not sent the reference: it would not hear of the offer.',
    next,
  );
}
