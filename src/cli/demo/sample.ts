import { codes } from '../../domain/codes.ts';

/** What the author of the sample expects of one line, worked out by hand and not by the policy engine. */
export interface Expected {
  readonly hotline: 'send' | 'hold' | 'withhold';
  readonly police: 'send' | 'hold' | 'withhold';
}

export interface SampleLine {
  readonly text: string;
  readonly expected: Expected | { readonly refused: string };
}

const hosts = ['gallery.example', 'files.example', 'board.example', 'paste.example', 'media-host.test', 'cdn.invalid'];
const hosting = ['NL', 'NL', 'FR', 'DE', 'SE', 'NL', 'PL'] as const;
const siteTypes = ['image-host', 'file-host', 'image-board', 'website', 'forum'] as const;
const categories = codes.category.filter((code) => code !== 'unknown');

function expectedFor(category: string, host: string, concernsUs: boolean, newVictim: boolean): Expected {
  const hotline =
    category === 'csam-drawn-or-animated'
      ? 'withhold'
      : category === 'csam-textual'
        ? 'hold'
        : host === 'NL'
          ? 'send'
          : 'withhold';
  const police = ['trafficking', 'travel-and-tourism'].includes(category)
    ? 'hold'
    : concernsUs || newVictim
      ? 'send'
      : 'withhold';
  return { hotline, police };
}

function honestLine(n: number): SampleLine {
  const category = categories[n % categories.length] ?? 'csam';
  const host = hosting[n % hosting.length] ?? 'NL';
  const concernsUs = n % 3 === 0;
  const newVictim = n % 11 === 0;
  const reference = {
    url: `https://${hosts[n % hosts.length]}/${n % 5 === 0 ? 'album' : 'thread'}/${1000 + n}`,
    role: 'content',
    jurisdiction: {
      hosting: host,
      reporting: 'DE',
      ...(concernsUs && { concerned: [{ country: n % 2 === 0 ? 'DE-BY' : 'DE', basis: 'victim' }] }),
    },
    category,
    ...(newVictim && { features: ['possible-new-victim'] }),
    ...(category !== 'not-assessed' && {
      assessments: [
        { scheme: 'iccam', version: '3', code: 'national', law: 'DE', method: 'viewed', at: '2026-11-20T10:00:00Z' },
      ],
    }),
    site: { type: siteTypes[n % siteTypes.length], commercial: 'unknown' },
    handles: [{ system: 'own', id: `DE-2026/${String(n).padStart(5, '0')}` }],
    urgency: newVictim ? { level: 'priority', code: 'possible-new-victim' } : { level: 'routine' },
    marking: { tlp: 'AMBER', notifyHost: 'after-clearance', portal: 'national', onward: 'none' },
    receivedAt: '2026-11-20T09:12:00Z',
  };
  return { text: JSON.stringify(reference), expected: expectedFor(category, host, concernsUs, newVictim) };
}

/** What a tired person or a careless script might send; each must be refused with the code named. */
function refusedLines(): SampleLine[] {
  const base = {
    url: 'https://gallery.example/x/1',
    jurisdiction: { hosting: 'NL' },
    category: 'csam',
    marking: { tlp: 'AMBER' },
  };
  const inventedDigest = '0123456789abcdef'.repeat(2);
  const wrong: readonly (readonly [string, object])[] = [
    ['media-refused', { ...base, url: 'data:image/png;base64,aW52ZW50ZWQ=' }],
    ['media-refused', { ...base, thumbnail: 'aW52ZW50ZWQ=' }],
    ['fingerprint-refused', { ...base, md5: inventedDigest }],
    ['fingerprint-refused', { ...base, handles: [{ system: 'own', id: inventedDigest }] }],
    ['jurisdiction-invalid', { ...base, jurisdiction: { hosting: 'uk' } }],
    ['category-unknown', { ...base, category: 'very-bad' }],
    ['url-scheme-refused', { ...base, url: 'magnet:?xt=invented' }],
    ['url-quarantined', { ...base, url: 'https://user@gallery.example/x' }],
    ['schema-invalid', { ...base, comment: 'please look at this soon' }],
  ];
  return [
    ...wrong.map(([code, reference]) => ({ text: JSON.stringify(reference), expected: { refused: code } })),
    {
      text: '{"url":"https://gallery.example/x/2","url":"https://gallery.example/x/3"}',
      expected: { refused: 'json-invalid' },
    },
  ];
}

/** The sample file: invented references of every category on reserved names, and in their middle what must not pass. */
export function sampleLines(count: number): SampleLine[] {
  const honest = Array.from({ length: count }, (_, n) => honestLine(n));
  return honest.toSpliced(Math.floor(count / 2), 0, ...refusedLines());
}
