import { inventedReference } from '../../support/invented.ts';
import { address } from './addresses.ts';
import { caseNumber, uuid } from './case-numbers.ts';
import type { Chance } from './chance.ts';

/** An honest reference as a hotline sends it: an address, often the page that led to it, one to four case numbers. */
export function honestReference(c: Chance): Record<string, unknown> {
  const handles = Array.from({ length: 1 + c.below(4) }, () => ({ system: 'own', id: caseNumber(c) }));
  return {
    ...inventedReference(c.below(100_000)),
    id: uuid(c),
    report: uuid(c),
    url: address(c),
    ...(c.below(3) === 0 && { access: { referrer: address(c), login: c.below(2) === 0 } }),
    handles,
  };
}

const acts = [
  'Article 37(1)(a) of Directive (EU) 2016/680',
  '§ 184b StGB, § 481 StPO; Datenschutzgrundverordnung Art. 6 (1) e',
  'Sexual Offences Act 2003, section 45 (case law: [2026] EWCA Crim 1234)',
  'Código Penal, artículo 189; Ley Orgánica 7/2021',
  'закон о полиции, ст. 12, ч. 3',
  'Agreement ref. 2026-04-01/HL-NL-0012, annexes A1, A2 and B1',
  'Memorandum BE-0042-2026 between both organisations, signed 2026-11-20T10:00:00Z',
  'Rahmenvereinbarung 4711/2026 (Az. 53.12-4/1-2026-000123)',
] as const;

/** The legal members of an honest policy. */
export function honestPolicy(c: Chance): Record<string, unknown> {
  const agreement = `${c.pick(acts)}; ${caseNumber(c)}`;
  return { partner: 'https://node.police-b.example', legal: { basis: c.pick(acts), agreement, transfer: 'none' } };
}

const desks = ['Meldestelle', 'Duty desk, 2nd floor', 'Section de recherches – permanence', 'Дежурная часть'] as const;

/** What people write into an honest card. */
export function honestCard(c: Chance): Record<string, unknown> {
  const phone = `+${10 + c.below(89)} ${c.text('0123456789', 3)} ${c.text('0123456789', 7)}`;
  return {
    organisation: {
      name: `Hotline ${c.pick(['gegen Missbrauch', 'Nederland', 'de España', 'Ελλάδα'])} e.V.`,
      type: 'hotline',
    },
    contact: {
      desk: c.pick(desks),
      email: `desk-${c.below(99)}@${c.pick(['hotline', 'police-unit', 'meldestelle-kinderschutz'])}.example`,
      phone,
      emergencyPhone: `${phone} 112`,
      hours: 'Mo-Fr 08:00-17:00, Sa 10:00-14:00',
      timezone: 'America/Argentina/Buenos_Aires',
    },
  };
}
