import { type CodeList, type CodeLists, isKnownCode, isOutcomeList, type ListedCode } from './code-lists.ts';
import { isDate } from './instant.ts';
import { checkJurisdiction } from './jurisdiction.ts';
import { type Refusal, refuse } from './refusal.ts';

/**
 * The lists whose codes this program only carries, shows and compares. All others name what it does or what the schemas close:
 * their next version comes with a release.
 */
const importable: ReadonlySet<string> = new Set([
  ...['category', 'features', 'role', 'site-type', 'commercial', 'payment', 'concerned-basis', 'hosting-method'],
  ...['urgency-code', 'assessment-scheme', 'assessment-method', 'action', 'reason', 'feedback', 'hold-ground'],
  ...['hold-authority', 'handover-decline', 'told-by-channel'],
]);
const ofWire = /^[a-z0-9:-]{1,64}$/;
/** Labels of assessment schemes are written as the scheme writes them. */
const ofScheme = /^[A-Za-z0-9+:-]{1,64}$/;
const NATIONAL = /^assessment-national:(.+)$/;
const MOST_CODES = 500;

/**
 * Whether a version of a list may take the place of the one before it: the version is higher, every code of before is still there with
 * the same meaning, and what was retired stays so. Codes are only added and retired, never changed or taken out: what is
 * stored and what partners sent keeps its meaning for ever. A first list of a scheme has nothing before it.
 */
export function checkCodeList(next: CodeList, before: CodeList | undefined, lists: CodeLists): Refusal | undefined {
  return checkName(next.list, lists) ?? checkVersion(next, before) ?? checkCodes(next) ?? checkKept(next, before);
}

function checkName(list: string, lists: CodeLists): Refusal | undefined {
  const country = NATIONAL.exec(list)?.[1];
  if (country !== undefined) {
    const wrong = checkJurisdiction(country, '/list');
    return wrong && { ...wrong, code: 'code-unknown' };
  }
  const scheme = isOutcomeList(list) && isKnownCode(lists, 'assessment-scheme', list.slice('assessment-'.length));
  if (scheme || importable.has(list)) return undefined;
  const message = 'There is no list of this name that can be imported.';
  const next = isOutcomeList(list)
    ? 'Register the scheme first: import the next version of assessment-scheme.'
    : 'Lists that this program acts upon come with a release: caseref codes list.';
  return refuse('code-unknown', '/list', message, next);
}

function checkVersion({ version }: CodeList, before: CodeList | undefined): Refusal | undefined {
  if (!isDate(version))
    return refuse('schema-invalid', '/version', 'The version is a day of the calendar, YYYY-MM-DD.');
  if (before === undefined || version > before.version) return undefined;
  const message = `The version is not higher than ${before.version}, which this node has.`;
  return refuse('state-conflict', '/version', message, 'Look at what is there: caseref codes list.');
}

function checkCodes({ list, codes }: CodeList): Refusal | undefined {
  if (codes.length === 0 || codes.length > MOST_CODES)
    return refuse('schema-invalid', '/codes', `A list has between 1 and ${MOST_CODES} codes.`);
  const form = isOutcomeList(list) ? ofScheme : ofWire;
  const seen = new Set<string>();
  for (const [index, { code }] of codes.entries()) {
    const at = `/codes/${index}/code`;
    if (!form.test(code))
      return refuse('schema-invalid', at, 'A code is lower-case letters, digits, colons and hyphens.');
    if (seen.has(code)) return refuse('schema-invalid', at, 'The code stands twice in the list.');
    seen.add(code);
  }
  return undefined;
}

function checkKept({ codes }: CodeList, before: CodeList | undefined): Refusal | undefined {
  for (const old of before?.codes ?? []) {
    const index = codes.findIndex(({ code }) => code === old.code);
    const kept = codes[index];
    if (kept === undefined) {
      const message = `The code ${old.code} is gone from the list: what was said with it would mean nothing.`;
      return refuse('schema-invalid', '/codes', message, 'Keep it, with "retired": true.');
    }
    if (means(kept) !== means(old)) {
      const message = `The code ${old.code} does not mean what it meant before.`;
      return refuse('schema-invalid', `/codes/${index}`, message, 'Keep its title and number, and add another code.');
    }
    if (old.retired === true && kept.retired !== true) {
      const message = `The code ${old.code} was retired and does not come back.`;
      return refuse('schema-invalid', `/codes/${index}/retired`, message, 'Add another code.');
    }
  }
  return undefined;
}

function means({ title, iccam }: ListedCode): string {
  return JSON.stringify([title, iccam?.id, iccam?.name]);
}
