import { expect, test } from 'vitest';
import { reviewPolicy } from '../../src/exchange/policies.ts';
import { isJsonFault, parseStrict } from '../../src/wire/strict.ts';

/** What the terminal and the API read a policy file by: at most so many bytes, and no deeper than the wire. */
const limits = { bytes: 1_048_576 };

const good = {
  partner: 'https://node.police-b.example',
  legal: { basis: 'Invented Act', transfer: 'none' },
  send: { rules: [{ id: 'a', when: { category: ['csam'] } }] },
  receive: { rules: [{ id: 'all', when: { category: ['csam'] } }] },
};
const text = JSON.stringify(good)
  .replace('["csam"]}}', '["csam"]},"then":"send"}')
  .replace('["csam"]}}', '["csam"]},"then":"accept"}');

function review(file: string) {
  const read = parseStrict(file, limits);
  if (isJsonFault(read)) return [[read.violation, '']];
  const before = structuredClone(read.value);
  const { refusals } = reviewPolicy(read.value);
  expect(read.value).toEqual(before);
  for (const { message, next } of refusals) {
    expect(message).toMatch(/^.{5,}\.$/);
    expect(next).toMatch(/^.{5,}\.$/);
  }
  return refusals.map(({ code, pointer }) => [code, pointer]);
}

test('the file that the others are spoilt from is taken', () => {
  expect(review(text)).toEqual([]);
});

const spoilt: [title: string, from: string | RegExp, to: string, wanted: [code: string, pointer: string][]][] = [
  ['rules as text', /"rules":\[\{"id":"a".*?"send"\}\]/, '"rules":"all"', [['policy-invalid', '/send/rules']]],
  ['a list as text', '["csam"]', '"csam"', [['policy-invalid', '/send/rules/0/when/category']]],
  ['a number as text', '"receive":{', '"receive":{"perMinute":"10",', [['policy-invalid', '/receive/perMinute']]],
  ['a number below its range', '"receive":{', '"receive":{"perMinute":0,', [['policy-invalid', '/receive/perMinute']]],
  ['an unknown member', '"receive":{', '"receive":{"perHour":1,', [['policy-invalid', '/receive/perHour']]],
  [
    'an unknown condition',
    '"category":["csam"]',
    '"weather":["rain"]',
    [['policy-invalid', '/send/rules/0/when/weather']],
  ],
  ['an unknown effect', '"then":"send"', '"then":"publish"', [['policy-invalid', '/send/rules/0/then']]],
  ['a missing member', /,"receive".*$/, '}', [['policy-invalid', '/receive']]],
  ['an unknown category', '["csam"]', '["csma"]', [['category-unknown', '/send/rules/0/when/category/0']]],
  [
    'an unknown place',
    '"category":["csam"]',
    '"jurisdiction.hosting":["UK"]',
    [['jurisdiction-invalid', '/send/rules/0/when/jurisdiction.hosting/0']],
  ],
  [
    'an unknown instruction',
    '"send":{',
    '"send":{"industry":{"requested":"remove","legalBasis":"novel"},',
    [['code-unknown', '/send/industry/legalBasis']],
  ],
  [
    'limits that contradict each other',
    '"receive":{',
    '"receive":{"perMinute":10,"perDay":9,',
    [['policy-invalid', '/receive/perMinute']],
  ],
  [
    'ages that contradict each other',
    '"category":["csam"]',
    '"ageDays":{"min":2,"max":1}',
    [['policy-invalid', '/send/rules/0/when/ageDays']],
  ],
  [
    'a digest in its text',
    'Invented Act',
    'd41d8cd98f00b204e9800998ecf8427e',
    [['fingerprint-refused', '/legal/basis']],
  ],
  ['a prototype member', '"send":{', '"__proto__":{"x":1},"send":{', [['prototype-member', '']]],
  ['a prototype member in disguise', '"send":{', '"\\u005f_proto__":{"x":1},"send":{', [['prototype-member', '']]],
  ['a member of every object', '"send":{', '"constructor":{"x":1},"send":{', [['policy-invalid', '/constructor']]],
  [
    'a condition named like one',
    '"category":["csam"]',
    '"toString":["x"]',
    [['policy-invalid', '/send/rules/0/when/toString']],
  ],
  ['a member twice', '"send":{', '"partner":"https://node.police-b.example","send":{', [['duplicate-member', '']]],
  ['a fraction', '"receive":{', '"receive":{"perMinute":1.5,', [['number-fractional', '']]],
  ['deep nesting', '"send":{', `"x":${'['.repeat(5000)}${']'.repeat(5000)},"send":{`, [['too-deep', '']]],
  ['10 MB', '"send":{', `"x":"${'a'.repeat(10_000_000)}","send":{`, [['too-large', '']]],
  ['nothing', /^.*$/, '', [['not-json', '']]],
  ['a list', /^(.*)$/, '[$1]', [['policy-invalid', '']]],
  ['null', /^.*$/, 'null', [['policy-invalid', '']]],
];

test.each(spoilt)('%s is refused where it stands', (_title, from, to, wanted) => {
  const file = text.replace(from, to);
  expect(file).not.toBe(text);
  expect(review(file)).toEqual(wanted);
});

test('prototype members are refused although a laxer parser let them through', () => {
  const lax = (member: string) => JSON.parse(text.replace('"send":{', `"${member}":{"rules":[]},"send":{`)) as object;
  expect(reviewPolicy(lax('__proto__')).refusals.map(({ code }) => code)).toEqual(['policy-invalid']);
  expect(reviewPolicy(lax('constructor')).refusals.map(({ pointer }) => pointer)).toEqual(['/constructor']);
  expect(({} as { rules?: unknown }).rules).toBeUndefined();
});

test('deep nesting and ten thousand rules are refused at once, whoever parsed them', () => {
  const started = performance.now();
  let nested: unknown = 'x';
  for (let depth = 0; depth < 5000; depth += 1) nested = { when: nested };
  const [deep] = reviewPolicy({ ...good, send: nested }).refusals;
  expect(deep?.pointer.startsWith('/send')).toBe(true);
  const rules = Array.from({ length: 10_000 }, () => good.send.rules[0]);
  expect(reviewPolicy({ ...good, send: { rules } }).refusals.length).toBeGreaterThan(0);
  expect(performance.now() - started).toBeLessThan(2000);
});

test('as many rules as there may be are checked in the time of a breath', () => {
  const categories = [
    'csam',
    'grooming',
    'livestream',
    'trafficking',
    'csam-textual',
    'csam-pointer',
    'sexual-extortion',
  ];
  const features = ['self-generated', 'ai-generated', 'sadistic-exploitation', 'possible-new-victim'];
  const rules = Array.from({ length: 256 }, (_, n) =>
    Object.fromEntries([
      ['id', `r${n}`],
      ['when', { category: categories, features, ageDays: { min: 256 - n } }],
      ['then', 'hold'],
    ]),
  );
  const started = performance.now();
  expect(reviewPolicy({ ...good, send: { rules }, receive: { rules: [] } }).refusals).toEqual([]);
  expect(performance.now() - started).toBeLessThan(3000);
});
