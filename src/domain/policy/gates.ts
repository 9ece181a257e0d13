import { type HostNotice, noticeByMarking } from '../authority/notice.ts';
import type { Policy } from '../contract.types.ts';
import type { PartnerState, SendEffect, SendInput, TraceStep } from '../decision.ts';
import type { Ruling } from '../denies.ts';
import { within } from '../jurisdiction.ts';
import type { RefusalCode } from '../refusal.ts';
import { INDUSTRY, instructionOf } from './industry.ts';

/** What stands as `rule` in a decision that no rule and no deny made; rules cannot have these ids. */
export const gateIds: readonly string[] = [
  'partner-state',
  'no-policy',
  'legal-basis',
  'legal-review',
  'transfer',
  'onward',
  'notify-host',
  'industry-form',
  'no-match',
];

const DAY = 86_400_000;

/** Without a policy for this very partner nothing is sent. */
export const noPolicy: Ruling = {
  effect: 'withhold',
  rule: 'no-policy',
  lift: 'a policy for this partner would have to be set and approved',
  step: {
    kind: 'default',
    id: 'no-policy',
    matched: true,
    effect: 'withhold',
    note: 'There is no policy for this partner.',
  },
};

function pass(kind: TraceStep['kind'], id: string): Ruling {
  return { effect: 'send', rule: id, step: { kind, id, matched: false } };
}

function stop(
  kind: TraceStep['kind'],
  id: string,
  effect: SendEffect,
  told: { note: string; lift: string; code?: RefusalCode },
): Ruling {
  const step = { kind, id, matched: true, effect, note: told.note } as const;
  return { effect, rule: id, lift: told.lift, step, ...(told.code && { code: told.code }) };
}

/** Only an active partner gets anything. */
export function partnerGate(state: PartnerState): Ruling {
  if (state === 'active') return pass('partner', 'partner-state');
  return stop('partner', 'partner-state', 'hold', {
    note: `The partner is ${state}.`,
    lift: state === 'pending' ? 'the partner would have to be confirmed' : 'the partner would have to be resumed',
    code: `partner-${state}`,
  });
}

/** Legal basis, its review, and the ground of a transfer; without a basis the other two are not asked. */
export function legalGates({ legal }: Policy, input: SendInput): readonly Ruling[] {
  if (legal === undefined) {
    const told = {
      note: 'The policy names no legal basis.',
      lift: 'a legal basis would have to be recorded in the policy',
    };
    return [stop('legal', 'legal-basis', 'hold', { ...told, code: 'legal-basis-missing' })];
  }
  return [pass('legal', 'legal-basis'), reviewGate(legal.reviewBy, input), transferGate(legal.transfer, input)];
}

/** The review date is the last good day. A child in danger now does not wait for paperwork. */
function reviewGate(reviewBy: string | undefined, { reference, now }: SendInput): Ruling {
  const inTime = reviewBy === undefined || now < Date.parse(`${reviewBy}T00:00:00Z`) + DAY;
  if (inTime || reference.urgency?.level === 'emergency') return pass('legal', 'legal-review');
  return stop('legal', 'legal-review', 'hold', {
    note: `The review of the legal basis was due by ${reviewBy}.`,
    lift: 'the legal basis would have to be reviewed and a new review date recorded',
  });
}

/**
 * `none` says that no ground for a transfer to a third country is recorded. At home, and between countries of the EEA,
 * none is needed; anywhere else, and for a partner whose country is not recorded, the reference waits for one.
 */
function transferGate(transfer: string, { home, partner }: SendInput): Ruling {
  if (transfer !== 'none') return pass('legal', 'transfer');
  const isNear = (place: string) => home.some((own) => isWithoutBorder(own, place));
  if (partner.jurisdictions.length > 0 && partner.jurisdictions.every(isNear)) return pass('legal', 'transfer');
  return stop('legal', 'transfer', 'hold', {
    note: 'The policy records no ground for a transfer to a third country.',
    lift: 'legal.transfer of the policy would have to name a ground, such as adequacy or safeguards',
    code: 'transfer-not-allowed',
  });
}

const eea: ReadonlySet<string> = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
);

function isEea(place: string): boolean {
  return eea.has(place.slice(0, 2));
}

function isWithoutBorder(own: string, place: string): boolean {
  if (place === 'XX' || place === 'XO') return false;
  return within(place, own.slice(0, 2)) || (isEea(own) && isEea(place));
}

/** Terms of the originator: what was received from another is not ours to send. */
export function onwardGate({ reference, self }: SendInput): Ruling {
  if (reference.source === undefined || reference.source.iss === self) return pass('marking', 'onward');
  return stop('marking', 'onward', 'withhold', {
    note: 'Another organisation originated this reference; it is not passed on.',
    lift: 'only its originator may send it',
  });
}

/** RED needs no gate: a policy names its one recipient. Industry gets the reduced form, and only what its host may know. */
export function industryGates({ reference, partner, notice }: SendInput, policy: Policy): readonly Ruling[] {
  if (partner.type !== INDUSTRY) return [];
  return [hostGate(notice ?? noticeByMarking(reference.marking)), formGate(policy)];
}

/** Sending to industry is notifying the host: clearance comes first, and what the host must not know never leaves. */
function hostGate(notice: HostNotice): Ruling {
  if (notice === 'clear') return pass('marking', 'notify-host');
  const note = `Sending to industry is notifying the host, and ${obstacles[notice]}.`;
  const lift = lifts[notice] ?? 'clearance would have to be given';
  if (notice === 'must-not') return stop('marking', 'notify-host', 'withhold', { note, lift });
  const code: { code?: RefusalCode } = notice === 'clearance-missing' ? {} : { code: 'hold-active' };
  return stop('marking', 'notify-host', 'hold', { note, lift, ...code });
}

const obstacles: Readonly<Record<Exclude<HostNotice, 'clear'>, string>> = {
  'must-not': 'the marking does not allow that',
  'clearance-missing': 'the marking does not allow that before clearance',
  hold: 'a hold is in force',
  'clearance-open': 'clearance was asked and is not given yet',
  'clearance-refused': 'clearance was refused',
  'clearance-timed-out': 'clearance was asked and nobody answered in time',
};

const lifts: Readonly<Partial<Record<HostNotice, string>>> = {
  'must-not': 'the marking would have to say that the host may be notified',
  'clearance-missing': 'the marking would have to say that the host may be notified',
  hold: 'the hold would have to be lifted or to end',
};

function formGate(policy: Policy): Ruling {
  if (instructionOf(policy)) return pass('marking', 'industry-form');
  return stop('marking', 'industry-form', 'withhold', {
    note: 'Industry partners get the reduced form only, and the policy gives no instruction for it.',
    lift: 'send.industry of the policy would have to say what is requested and on what legal basis',
  });
}
