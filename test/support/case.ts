import type { Party } from '../../src/domain/authority/party.ts';
import { type CaseSubject, caseState } from '../../src/domain/authority/state.ts';
import type { Payloads, Statement } from '../../src/domain/authority/statement.ts';
import type { CaseEventName } from '../../src/domain/message.ts';

/** The people of the invented cases. The content is hosted in the Netherlands, and a victim is in Bavaria. */
export const who = {
  originator: 'https://node.hotline-a.example',
  hotline: 'https://node.hotline-nl.example',
  neighbour: 'https://node.hotline-be.example',
  bystander: 'https://node.hotline-fr.example',
  police: 'https://node.police-de.example',
  policeElsewhere: 'https://node.police-fr.example',
  policeUntrusted: 'https://node.police-nl.example',
  provider: 'https://node.provider.example',
  stranger: 'https://node.hotline-se.example',
} as const;
export type Who = keyof typeof who;

export const parties: ReadonlyMap<string, Party> = new Map(
  Object.entries({
    originator: party('hotline', ['DE']),
    hotline: party('hotline', ['NL']),
    neighbour: party('hotline', ['BE']),
    bystander: party('hotline', ['FR']),
    police: party('law-enforcement', ['DE'], true),
    policeElsewhere: party('law-enforcement', ['FR'], true),
    policeUntrusted: party('law-enforcement', ['NL']),
    provider: party('industry', ['NL']),
    stranger: party('hotline', ['SE']),
  } satisfies Record<Who, Party>).map(([name, recorded]) => [who[name as Who], recorded]),
);

function party(type: string, jurisdictions: readonly string[], mayHold = false): Party {
  return { type, jurisdictions, mayHold };
}

export const subject: CaseSubject = {
  originator: who.originator,
  places: { hosting: 'NL', concerned: [{ country: 'DE-BY', basis: 'victim' }] },
  partyOf: (issuer) => parties.get(issuer),
};

export const start = Date.parse('2026-11-20T10:00:00Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The instant so many minutes after the start, as the wire writes it. */
export function instant(minutes: number): string {
  return `${new Date(start + minutes * MINUTE).toISOString().slice(0, 19)}Z`;
}

/** What somebody says so many minutes after the start; its jti tells one statement from another. */
export function say<Name extends CaseEventName>(
  minutes: number,
  speaker: Who,
  event: Name,
  payload: Payloads[Name],
  options: { readonly jti?: string; readonly relayed?: boolean } = {},
): Statement {
  const jti = options.jti ?? `${event}-${speaker}-${minutes}`.padEnd(22, 'x');
  const said = start + minutes * MINUTE;
  return { event, payload, by: who[speaker], jtis: [jti], said, relayed: options.relayed ?? false } as Statement;
}

/** The jti of an offer that `handedOver` makes. */
export const offerJti = (minutes: number, to: Who) => `offer-${to}-${minutes}`.padEnd(22, 'x');

/** The three steps of a hand-over, one a minute. */
export function handedOver(minutes: number, giver: Who, to: Who): Statement[] {
  const jti = offerJti(minutes, to);
  return [
    say(minutes, giver, 'handover', { step: 'offered', to: who[to] }, { jti }),
    say(minutes + 1, to, 'handover', { step: 'accepted', accepts: jti }),
    say(minutes + 2, giver, 'handover', { step: 'confirmed', accepts: jti }),
  ];
}

export function stateOf(log: readonly Statement[], minutes: number) {
  return caseState(subject, log, start + minutes * MINUTE);
}

export const holdUntil = (minutes: number) =>
  ({ step: 'placed', until: instant(minutes), ground: 'investigation', authority: 'prosecutor' }) as const;
