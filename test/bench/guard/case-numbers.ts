import type { Chance } from './chance.ts';

/** Writes one invented case number. */
type Write = (c: Chance) => string;

const FIGURES = '0123456789';
const CAPITALS = 'ABCDEFGHJKLMNPRSTUVWXYZ';
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const HEX = '0123456789abcdef';

const figures = (c: Chance, length: number) => c.text(FIGURES, length);
const serial = (c: Chance) => String(1 + c.below(10 ** (1 + c.below(7))));
const year = (c: Chance) => String(1998 + c.below(30));
const short = (c: Chance) => year(c).slice(2);
const letters = (c: Chance, length: number) => c.text(CAPITALS, length);

/** As police, prosecutors and courts of so many countries write them: invented numbers in their usual shapes. */
const national: Readonly<Record<string, readonly Write[]>> = {
  DE: [
    (c) => `${1 + c.below(999)} Js ${serial(c)}/${short(c)}`,
    (c) => `ST/${figures(c, 7)}/${year(c)}`,
    (c) => `Az. ${1 + c.below(99)} UJs ${serial(c)}/${short(c)} - StA Musterstadt I`,
    (c) => `BKA-SO43-${year(c)}-${figures(c, 6)}`,
  ],
  AT: [
    (c) => `PAD/${short(c)}/${figures(c, 8)}/001/KRIM`,
    (c) => `${1 + c.below(200)} St ${1 + c.below(400)}/${short(c)}k`,
  ],
  CH: [(c) => `ST.${year(c)}.${serial(c)}`, (c) => `A-${1 + c.below(9)}/${year(c)}/${figures(c, 8)}`],
  FR: [
    (c) => `PV ${year(c)}/${figures(c, 6)}`,
    (c) => `${figures(c, 11)}`,
    (c) => `Parquet ${figures(c, 2)}/${figures(c, 3)}/${figures(c, 6)}`,
  ],
  BE: [
    (c) => `BR.${figures(c, 2)}.${figures(c, 2)}.${figures(c, 6)}/${year(c)}`,
    (c) => `${figures(c, 4)}/${short(c)}/BE/${figures(c, 5)}`,
  ],
  NL: [
    (c) => `PL${figures(c, 4)}-${year(c)}${figures(c, 6)}`,
    (c) => `BVH ${year(c)}${figures(c, 6)}`,
    (c) => `10/${figures(c, 6)}-${short(c)}`,
  ],
  LU: [(c) => `JDA-${year(c)}/${figures(c, 5)}-${serial(c)}`],
  GB: [
    (c) => `${figures(c, 2)}/${figures(c, 5)}/${short(c)}`,
    (c) => `CAD ${figures(c, 4)}/${figures(c, 2)}NOV${short(c)}`,
    (c) => `URN ${figures(c, 2)}AB${figures(c, 7)}${short(c)}`,
  ],
  IE: [(c) => figures(c, 8), (c) => `PULSE ${figures(c, 8)}`],
  ES: [
    (c) => `Diligencias ${serial(c)}/${year(c)}`,
    (c) => `${year(c)}-${figures(c, 6)}-${figures(c, 8)}`,
    (c) => `NIG ${figures(c, 5)}43${figures(c, 12)}`,
  ],
  PT: [(c) => `NUIPC ${figures(c, 6)}/${short(c)}.0JAPRT`, (c) => `${figures(c, 4)}/${short(c)}.${c.below(9)}T9LSB`],
  IT: [(c) => `RGNR ${serial(c)}/${short(c)}`, (c) => `N. ${serial(c)}/${year(c)} R.G.N.R. mod. 44`],
  PL: [(c) => `RSD-${serial(c)}/${short(c)}`, (c) => `PR ${1 + c.below(9)} Ds. ${1 + c.below(999)}.${year(c)}`],
  CZ: [(c) => `KRPA-${serial(c)}/TC-${year(c)}-${figures(c, 6)}`],
  SK: [(c) => `ORP-${serial(c)}/VYS-BA-${year(c)}`],
  HU: [(c) => `${figures(c, 5)}/${serial(c)}/${year(c)}.bu.`],
  RO: [(c) => `${serial(c)}/P/${year(c)}`, (c) => `${serial(c)}/D/P/${year(c)}`],
  BG: [(c) => `ЗМ ${serial(c)}/${year(c)}`, (c) => `ДП ${figures(c, 5)}/${year(c)} ГДБОП`],
  GR: [(c) => `ΑΒΜ Α${short(c)}/${serial(c)}`, (c) => `ΔΙΔΗΕ 1022/${figures(c, 2)}/${figures(c, 5)}-α`],
  HR: [(c) => `KP-DO-${serial(c)}/${year(c)}`],
  SI: [(c) => `2/3-I-K-${serial(c)}/${year(c)}`],
  RS: [(c) => `КТ ${serial(c)}/${short(c)}`],
  UA: [(c) => `1${year(c)}${figures(c, 12)}`],
  TR: [(c) => `${year(c)}/${serial(c)} Sor.`],
  SE: [(c) => `5000-K${figures(c, 6)}-${short(c)}`, (c) => `AM-${figures(c, 6)}-${short(c)}`],
  NO: [(c) => `${figures(c, 8)} ${figures(c, 4)}/${short(c)}-12`],
  DK: [(c) => `0100-${figures(c, 5)}-${figures(c, 5)}-${short(c)}`],
  FI: [(c) => `5500/R/${serial(c)}/${short(c)}`, (c) => `KRP 2400/R/${serial(c)}/${short(c)}`],
  IS: [(c) => `007-${year(c)}-${serial(c)}`],
  EE: [(c) => `${short(c)}230${figures(c, 6)}`],
  LV: [(c) => `11${figures(c, 7)}${short(c)}`],
  LT: [(c) => `02-1-${figures(c, 5)}-${short(c)}`],
  US: [
    (c) => `305A-HQ-${figures(c, 7)}`,
    (c) => `CT ${figures(c, 9)}`,
    (c) => `${c.below(9)}:${short(c)}-cr-${figures(c, 5)}-ABC-DEF`,
    (c) => `HSI-BA07CR${short(c)}BA${figures(c, 4)}`,
  ],
  CA: [(c) => `GO ${year(c)}-${figures(c, 7)}`, (c) => `NCECC-${year(c)}-${figures(c, 6)}`],
  BR: [(c) => `${figures(c, 7)}-${figures(c, 2)}.${year(c)}.8.${figures(c, 2)}.${figures(c, 4)}`],
  AR: [(c) => `CCC ${serial(c)}/${year(c)}/TO1`, (c) => `FSM ${serial(c)}/${year(c)}/CA1`],
  MX: [(c) => `FED/SEIDF/UNAI-CDMX/${figures(c, 7)}/${year(c)}`],
  CL: [(c) => `RUC ${figures(c, 10)}-${c.below(10)}`],
  CO: [(c) => `${figures(c, 5)}6${figures(c, 6)}${year(c)}${figures(c, 5)}`],
  PE: [(c) => `${figures(c, 5)}-${year(c)}-0-1801-JR-PE-01`],
  JP: [(c) => `令和${1 + c.below(9)}年第${serial(c)}号`, (c) => `R${c.below(9)}-${figures(c, 5)}`],
  KR: [(c) => `${year(c)}형제${serial(c)}`],
  IN: [(c) => `FIR ${figures(c, 4)}/${year(c)}`, (c) => `RC-BD1/${year(c)}/E/${figures(c, 4)}`],
  AU: [(c) => `E ${figures(c, 8)}`, (c) => `ACCCE-${year(c)}-${figures(c, 5)}`],
  NZ: [(c) => `${figures(c, 6)}/${figures(c, 4)}`],
  ZA: [(c) => `CAS ${serial(c)}/11/${year(c)}`],
  PH: [(c) => `NPS-INV-${short(c)}K-${figures(c, 5)}`],
  IL: [(c) => `${serial(c)}/${year(c)}`],
  EG: [(c) => `القضية ${serial(c)} لسنة ${year(c)}`],
  TH: [(c) => `คดี ${serial(c)}/${Number(year(c)) + 543}`],
};

/** As the software of hotlines, police and platforms numbers what it keeps. */
const systems: readonly Write[] = [
  (c) => serial(c),
  (c) => `REP-${year(c)}-${figures(c, 7)}`,
  (c) => `${figures(c, 7)}-${1 + c.below(20)}-${1 + c.below(9)}`,
  (c) => `IWF Report ${figures(c, 7)}`,
  (c) => `CyberTipline-Report-${figures(c, 9)}`,
  (c) => `${letters(c, 4)}-${serial(c)}`,
  (c) => `${letters(c, 2)}/${letters(c, 3)}/${year(c)}/${figures(c, 8)}`,
  (c) => figures(c, 18),
  // ULID, ObjectId, CUID.
  (c) => `01J${c.text(CROCKFORD, 23)}`,
  (c) => `67${c.text(HEX, 22)}`,
  (c) => `c${c.text('abcdefghijklmnopqrstuvwxyz0123456789', 24)}`,
  (c) => uuid(c),
  (c) => uuid(c).toUpperCase(),
  (c) => `case/${uuid(c)}`,
  (c) => `${year(c)}1120T101500Z-${figures(c, 6)}`,
  (c) => `Fall.${year(c)}.Nr.${figures(c, 4)}-${c.pick(['A', 'B', 'FE', 'CAFE'])}`,
  (c) => `${c.pick(['de', 'be', 'fe', 'ab'])}${year(c)}${figures(c, 10)}`,
  (c) => `${c.pick(['DE', 'BE', 'FE', 'BA'])}${year(c)}${c.pick(['AB', 'CD', 'EF'])}${figures(c, 8)}`,
];

/** Countries whose shapes of case numbers are drawn from. */
export const countries: readonly string[] = Object.keys(national);

export function caseNumber(c: Chance): string {
  const write = c.below(4) === 0 ? c.pick(systems) : c.pick(national[c.pick(countries)] ?? systems);
  return write(c);
}

export function uuid(c: Chance): string {
  const version = c.pick(['1', '4', '7']);
  return `${c.text(HEX, 8)}-${c.text(HEX, 4)}-${version}${c.text(HEX, 3)}-${c.pick(['8', '9', 'a', 'b'])}${c.text(HEX, 3)}-${c.text(HEX, 12)}`;
}
