// biome-ignore-all lint/suspicious/noThenProperty: "then" is a member of the policy document
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ForeignPartner, foreignPartner } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, passphrase, type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// What an operator reads of policies: the real command line beside real nodes, and with the node stopped.

const CANARY = 'canary-2093';
let hotline: TestNode;
let police: TestNode;
let later: ForeignPartner;
const printed: string[] = [];

const policy = () => ({
  partner: police.issuer,
  legal: { basis: 'Invented act, section 1', transfer: 'none' },
  send: {
    rules: [
      { id: 'national', when: { category: ['csam', 'csam-textual'], 'jurisdiction.hosting': ['NL'] }, then: 'send' },
      { id: 'by-hand', when: { category: ['grooming'] }, then: 'hold' },
    ],
    disclose: { handles: 'always', assessments: true },
  },
  receive: { rules: [{ id: 'all', when: { category: ['csam'] }, then: 'accept' }] },
});

async function submit(node: TestNode, category: string, hosting: string): Promise<string> {
  const jurisdiction = { hosting, reporting: 'DE' };
  const url = `https://host.example/${CANARY}`;
  const reference = { ...inventedReference(0), url, category, jurisdiction };
  return (await node.ask('reference.submit', { reference })).reference.id;
}

let sent = '';
let withheld = '';
let held = '';
let received = '';

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A' });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
  await hotline.ask('policy.set', { issuer: police.issuer, document: policy() });
  sent = await submit(hotline, 'csam', 'NL');
  withheld = await submit(hotline, 'csam', 'FR');
  held = await submit(hotline, 'grooming', 'NL');
  received = await submit(police, 'csam', 'DE');
  await eventually('both are receipted', async () => {
    const counts = [hotline, police].map(
      async (node) => (await node.ask('delivery.list', { state: 'receipted' })).items,
    );
    return (await Promise.all(counts)).every((items) => items.length === 1);
  });
  later = await foreignPartner();
}, 60_000);
afterAll(async () => {
  await later.close();
  await hotline.remove();
  await police.remove();
});

async function cli(args: readonly string[], input?: string): Promise<Ran> {
  const environment = {
    CASEREF_DATA: hotline.directory,
    CASEREF_PASSPHRASE: passphrase.reveal(),
    INIT_CWD: hotline.directory,
  };
  const ran = await run(args, { environment, ...(input !== undefined && { input }) });
  printed.push(ran.out, ran.err);
  return ran;
}

/** As long as an id, so that tables stay tables. */
const standIn = (name: string) => `id-of-the-${name}-one`.padEnd(36, '-');

/** The text with everything that changes from run to run in words. */
function steady(text: string): string {
  const named = [
    [sent, standIn('sent')],
    [withheld, standIn('withheld')],
    [held, standIn('held')],
    [received, standIn('received')],
  ] as const;
  return named
    .reduce((all, [id, name]) => all.replaceAll(id, name), text)
    .replaceAll(hotline.issuer, 'http://HOTLINE')
    .replaceAll(police.issuer, 'http://POLICE')
    .replaceAll(later.issuer, 'http://LATER')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'INSTANT')
    .replace(/S256:[\w-]+/g, 'DIGEST');
}

/** What is typed and what is read, talk behind data. */
async function scene(title: string, args: readonly string[], input?: string): Promise<string> {
  const { code, out, err } = await cli(args, input);
  return steady(`# ${title}\n$ caseref ${args.join(' ')}\n${out}${err}exit ${code}\n`);
}

const explain = (id: string, ...more: string[]) => ['policy', 'explain', police.issuer, id, ...more];

describe('explain, as it is read', () => {
  test('tells of every kind of outcome', async () => {
    const scenes = [
      await scene('sent and receipted', explain(sent)),
      await scene('withheld', explain(withheld)),
      await scene('held for a person', explain(held)),
    ];
    await hotline.ask('reference.decide', { id: held, partner: police.issuer, then: 'withhold' });
    scenes.push(await scene('decided by hand', explain(held)));
    scenes.push(await scene('what the partner sent', explain(received, '--originator', police.issuer)));
    const narrow = { ...policy(), send: { rules: [] } };
    await hotline.ask('policy.set', { issuer: police.issuer, document: narrow });
    scenes.push(await scene('a policy that narrowed since', explain(sent)));
    await hotline.ask('policy.set', { issuer: police.issuer, document: policy() });
    scenes.push(await scene('another version that says the same', explain(sent)));
    await later.meet(hotline);
    scenes.push(await scene('a partner that came later', ['policy', 'explain', later.issuer, sent]));
    const extra = await submit(hotline, 'csam', 'FR');
    await hotline.ask('reference.erase', { id: extra, order: 'Order 7' });
    scenes.push((await scene('erased', explain(extra))).replaceAll(extra, standIn('erased')));
    scenes.push(await scene('an unknown reference', explain('0b2f8a54-6a0e-4a53-9d56-3f2c1c8e7a11')));
    scenes.push(await scene('an unknown partner', ['policy', 'explain', 'https://nobody.example', sent]));
    await expect(scenes.join('\n')).toMatchFileSnapshot('explain.transcript.txt');
  }, 60_000);

  test('says with --json what the operation says', async () => {
    const { code, out } = await cli([...explain(sent), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: sent, decisions: [{ effect: 'send', rule: 'national' }] });
  });

  test('what is no id is a wrong call', async () => {
    expect((await cli(explain('R-7'))).code).toBe(2);
  });
});

describe('simulate, as it is read', () => {
  const draft = () => ({
    ...policy(),
    send: {
      rules: [{ id: 'abroad', when: { category: ['csam'], 'jurisdiction.hosting': ['FR'] }, then: 'send' }],
    },
    receive: { rules: [{ id: 'none', when: { category: ['*'] }, then: 'refuse' }] },
  });
  const file = async (name: string, document: unknown) => {
    await writeFile(join(hotline.directory, name), JSON.stringify(document));
    return name;
  };

  test('tells the totals and what changes, beside the node and without it', async () => {
    const simulate = (name: string, ...more: string[]) => ['policy', 'simulate', police.issuer, name, ...more];
    const other = { ...policy(), send: { ...policy().send, disclose: { site: true } } };
    const scenes = [
      await scene('the policy in force as the draft', simulate(await file('same.json', policy()))),
      await scene('another disclosure', simulate(await file('less.json', other))),
      await scene('a draft that sends elsewhere', simulate(await file('draft.json', draft()))),
      await scene('nothing stored since', simulate('draft.json', '--since', '2099-01-01T00:00:00Z')),
      await scene('a draft with a mistake', simulate(await file('bad.json', { ...draft(), colour: 'red' }))),
      await scene('no draft at all', ['policy', 'simulate', police.issuer]),
    ];
    await expect(scenes.join('\n')).toMatchFileSnapshot('simulate.transcript.txt');
    const beside = await cli(simulate('draft.json', '--json'));
    await hotline.stop();
    try {
      const without = await cli(simulate('draft.json', '--json'));
      expect(without.code, without.err).toBe(0);
      const clocks = (text: string) => text.replace(/"(at|since)":"[^"]*"/g, '');
      expect(clocks(without.out)).toBe(clocks(beside.out));
    } finally {
      await hotline.restart();
    }
    const lines = beside.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({ partner: police.issuer, send: { sentAndWouldNot: 1 } });
    expect(lines.at(-1)).not.toHaveProperty('items');
    expect(lines.slice(0, -1).map(({ id }) => id)).toEqual(expect.arrayContaining([sent, withheld, received]));
  }, 60_000);

  test('tries a stored version in the place of a file', async () => {
    const versions = await cli(['policy', 'show', police.issuer, '--versions']);
    expect(versions.out.split('\n')[0]).toMatch(/^version +state +set +author +in force from +approver +digest$/);
    expect(versions.out).toMatch(/^4 +active /m);
    expect(versions.out).toMatch(/^3 +superseded /m);
    const { code, out } = await cli(['policy', 'simulate', police.issuer, '--version', '3']);
    expect([code, out]).toEqual([0, expect.stringMatching(/^no longer sent +1$/m)]);
    const missing = await cli(['policy', 'simulate', police.issuer, '--version', '99']);
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('not-found')]);
    const both = await cli(['policy', 'simulate', police.issuer, 'draft.json', '--version', '3']);
    expect(both.code).toBe(2);
  });

  test.each<[string, () => string, number, RegExp]>([
    ['wrong types', () => JSON.stringify({ ...draft(), send: [] }), 1, /policy-invalid at \/send: /],
    ['an unknown member', () => JSON.stringify({ ...draft(), colour: 'red' }), 1, /policy-invalid at \/colour: /],
    [
      'an unknown code',
      () => JSON.stringify(draft()).replace('csam', 'csma'),
      1,
      /category-unknown at \/send\/rules\/0\/when\/category\/0: /,
    ],
    [
      'limits that contradict',
      () => JSON.stringify({ ...draft(), receive: { rules: [], perMinute: 9, perDay: 3 } }),
      1,
      /policy-invalid at \/receive\/perMinute: /,
    ],
    ['ten megabytes', () => `{"partner":"${'x'.repeat(10_000_000)}"}`, 1, /too-large: The document is larger/],
    ['deep nesting', () => `${'{"send":'.repeat(3000)}1${'}'.repeat(3000)}`, 1, /json-invalid.*\n +next: /],
    ['a prototype member', () => `{"__proto__":{},${JSON.stringify(draft()).slice(1)}`, 1, /json-invalid.*\n +next: /],
    ['no JSON', () => 'send everything', 1, /json-invalid.*\n +next: /],
    [
      'another partner',
      () => JSON.stringify({ ...draft(), partner: 'https://other.example' }),
      1,
      /policy-invalid at \/partner: /,
    ],
  ])('%s is refused by simulate, check and set alike, and changes nothing', async (name, text, exit, said) => {
    const before = await hotline.ask('policy.versions', { issuer: police.issuer });
    for (const command of [
      ['simulate', police.issuer, '-'],
      ['set', police.issuer, '-'],
      ['check', '-'],
    ]) {
      // The check of a file does not know whom it is for.
      if (name === 'another partner' && command[0] === 'check') continue;
      const { code, err, out } = await cli(['policy', ...command], text());
      expect([code, out], command[0]).toEqual([exit, '']);
      expect(err, command[0]).toMatch(said);
    }
    expect(await hotline.ask('policy.versions', { issuer: police.issuer })).toEqual(before);
  });
});

describe('what a policy is warned of', () => {
  const doubtful = () => ({ ...openPolicy(police.issuer), receive: { rules: [] } });

  test('stands with what to do about it, at check and at set', async () => {
    const check = await cli(['policy', 'check', '-'], JSON.stringify(doubtful()));
    expect(check.code).toBe(0);
    expect(check.err).toMatch(/^! \/receive\/rules: .*\n {2}next: .*$/m);
    const set = await cli(['policy', 'set', police.issuer, '-'], JSON.stringify(doubtful()));
    expect(set.code).toBe(0);
    expect(set.err).toMatch(/^! \/receive\/rules: .*\n {2}next: .*$/m);
    expect(set.err).toContain(`caseref policy simulate ${police.issuer} FILE`);
  });
});

test('no address was printed by any of it', () => {
  expect(printed.join('\n').length).toBeGreaterThan(10_000);
  expect(printed.join('\n')).not.toContain(CANARY);
});
