import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isRefusal } from '../../src/domain/refusal.ts';
import { createOperatorKey } from '../../src/keys/operator-file.ts';
import { type ForeignPartner, foreignPartner, freshJti, policyFor, wireReference } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type TestNode, testNode } from '../support/node.ts';
import type { Json } from '../support/tokens.ts';
import { inside } from './inside.ts';
import { type Ran, run } from './run.ts';

// What people say about references at the command line: a hotline with a police partner whose messages are made by hand.

let node: TestNode;
let police: ForeignPartner;

const contact = { desk: 'Duty desk', phone: '+49 30 5550001', emergencyPhone: '+49 30 5550002', hours: 'Mo-Fr 8-16' };
const EARLIER = '2026-11-20T10:00:00Z';
const day = (days: number) => `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)}T10:00:00Z`;

beforeAll(async () => {
  [node, police] = await Promise.all([testNode({ jurisdictions: ['DE'] }), foreignPartner()]);
  await node.ask('partner.add', { card: police.card({ contact }) });
  await node.ask('partner.confirm', { issuer: police.issuer, fingerprint: police.identity.kid });
  const document = policyFor(police.issuer, { receive: { rules: policyRules(), mayHold: true } });
  await node.ask('policy.set', { issuer: police.issuer, document });
  await say('unit', 'add', 'LKA Cybercrime', '--jurisdiction', 'DE-BE', '--phone', '+49 30 5550003');
}, 60_000);
afterAll(async () => {
  await police.close();
  await node.remove();
});

const policyRules = () => [
  Object.fromEntries([
    ['id', 'all'],
    ['when', { category: ['*'] }],
    ['then', 'accept'],
  ]),
];

const say = (...args: string[]): Promise<Ran> =>
  inside(args, { CASEREF_DATA: node.directory, INIT_CWD: node.directory });
const about = (name: string, id: string, ...more: string[]) => say('reference', name, id, ...more);
const shown = async (id: string, ...more: string[]) => (await about('show', id, ...more)).out;
const flat = (text: string) => text.replaceAll(/ +/g, ' ');

/** An own reference, hosted in Germany, which the partner is sent. */
async function ours(changes: Json = {}): Promise<string> {
  const { reference } = await node.ask('reference.submit', { reference: { ...inventedReference(1), ...changes } });
  return reference.id;
}

/** The partner says something about a reference, its own or ours. */
async function policeSays(event: string, payload: Json, { id, originator }: { id: string; originator: string }) {
  const sub_id = { format: 'iss_sub', iss: originator, sub: id };
  const answer = await police.push(
    node,
    police.token(node, { sub_id, jti: freshJti(), events: { [`urn:caseref:event:1:${event}`]: payload } }),
  );
  expect(answer.status).toBe(202);
}

/** A reference of the partner. */
async function theirs(changes: Json = {}): Promise<string> {
  const id = crypto.randomUUID();
  await policeSays('submitted', wireReference(changes), { id, originator: police.issuer });
  return id;
}

describe('what is said about an own reference', () => {
  test('an assessment stands beside the one of the reference, with law and date', async () => {
    const id = await ours();
    const words = ['--scheme', 'iccam', '--code', 'national', '--law', 'DE-BY', '--method', 'viewed', '--at', EARLIER];
    const { code, out, err } = await about('assess', id, ...words);
    expect(code, err).toBe(0);
    expect(flat(out)).toMatch(/^recorded assessed, national$/m);
    expect(err).toContain(`Not told: ${police.issuer} (not-concerned)`);
    const text = await shown(id);
    expect(text).toContain(`assessed by ${node.issuer} as iccam baseline under DE on ${EARLIER} (viewed)`);
    expect(text).toContain(`assessed by ${node.issuer} as iccam national under DE-BY on ${EARLIER} (viewed)`);
  });

  test('an outcome becomes the state, which the list finds, and its JSON is the body of the API', async () => {
    const id = await ours();
    const { out } = await about(
      'act',
      id,
      '--action',
      'removed',
      '--reason',
      'link-expired',
      '--at',
      EARLIER,
      '--json',
    );
    expect(JSON.parse(out)).toMatchObject({ originator: node.issuer, id, event: 'acted', told: [police.issuer] });
    const listed = await say('reference', 'list', '--state', 'removed', '--json');
    expect((JSON.parse(listed.out) as { items: { id: string }[] }).items.map((one) => one.id)).toContain(id);
    const text = await shown(id);
    expect(flat(text)).toMatch(/^state removed$/m);
    expect(text).toContain(`${EARLIER}  ${node.issuer} removed (final, link-expired)`);
    expect((await about('show', id)).err).toContain(`caseref reference act ${id} --action reappeared --observed`);
  });

  test('the pen is offered, the answer is waited for, and what is confirmed has moved', async () => {
    const id = await ours();
    const { code, err } = await about('handover', id, '--offer', police.issuer);
    expect([code, err]).toEqual([0, expect.stringContaining(`On its way to ${police.issuer}`)]);
    expect(flat(await shown(id))).toMatch(
      new RegExp(`^pen offered by ${node.issuer} to ${police.issuer}, offered`, 'm'),
    );
    const early = await about('handover', id, '--confirm');
    expect([early.code, early.err]).toEqual([1, expect.stringContaining('handover-pending')]);
    const [offer] = (await node.ask('delivery.list', { partner: police.issuer })).items.filter(
      ({ event, reference }) => event === 'handover' && reference?.id === id,
    );
    await policeSays('handover', { step: 'accepted', accepts: offer?.jti }, { id, originator: node.issuer });
    expect((await about('show', id)).err).toContain(`caseref reference handover ${id} --confirm`);
    expect((await about('handover', id, '--confirm')).code).toBe(0);
    expect(flat(await shown(id))).toMatch(new RegExp(`^pen ${police.issuer}$`, 'm'));
    const final = await about('act', id, '--action', 'removed');
    expect([final.code, final.err]).toEqual([1, expect.stringMatching(/not-assignee.*\n +next: .*observed/)]);
    expect((await about('act', id, '--action', 'removed', '--observed', '--seen-from', 'NL')).code).toBe(0);
  });

  test('clearance is asked for, answered by police, and then the host may be told', async () => {
    const id = await ours();
    expect((await about('show', id)).err).toContain(`caseref reference clear ${id} --request`);
    expect((await about('clear', id, '--request', '--deadline', day(2))).code).toBe(0);
    expect(flat(await shown(id))).toMatch(/^host may be told not before clearance: it was asked for/m);
    const own = await about('clear', id, '--grant');
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('not-competent')]);
    await policeSays('clearance', { step: 'granted' }, { id, originator: node.issuer });
    const text = flat(await shown(id));
    expect(text).toMatch(/^host may be told yes$/m);
    expect(text).toMatch(new RegExp(`^clearance granted \\(\\S+Z by ${police.issuer}\\)$`, 'm'));
    expect((await about('act', id, '--action', 'reported-to-isp')).code).toBe(0);
  });

  test('a hold of police stops what tells the host, and names the desk to call', async () => {
    const id = await ours({ marking: { tlp: 'AMBER', notifyHost: 'may' } });
    const until = day(10);
    const hold = { step: 'placed', until, ground: 'investigation', authority: 'prosecutor' };
    await policeSays('hold', hold, { id, originator: node.issuer });
    const text = flat(await shown(id));
    expect(text).toMatch(/^state on-hold$/m);
    expect(text).toMatch(/^host may be told no: a hold is in force$/m);
    expect(text).toContain(
      `hold ${police.issuer}: until ${until}, investigation, by prosecutor; call +49 30 5550002 or +49 30 5550001`,
    );
    const told = await about('act', id, '--action', 'reported-to-isp');
    expect([told.code, told.err]).toEqual([1, expect.stringContaining('hold-active')]);
    const own = await about('hold', id, '--until', until, '--ground', 'investigation', '--authority', 'police');
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('hold-not-competent')]);
    const nothing = await about('hold', id, '--lift', '--told-by', 'LKA Cybercrime', '--channel', 'phone');
    expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('state-conflict')]);
  });
});

describe('what is said about a partner’s reference', () => {
  test('an emergency begins with the telephone, and ends its wait when a person has it', async () => {
    const urgency = { level: 'emergency', code: 'imminent-danger' };
    const id = await theirs({ urgency, marking: { tlp: 'AMBER', notifyHost: 'may' } });
    const before = flat(await shown(id)).split('\n');
    expect(before.slice(0, 4)).toEqual([
      'EMERGENCY call first: this does not replace the call',
      'call +49 30 5550002 or +49 30 5550001',
      'desk Duty desk, Mo-Fr 8-16',
      expect.stringMatching(new RegExp(`^nobody has it yet ${node.issuer}, since \\S+Z$`)),
    ]);
    const next = `caseref reference acknowledge ${id} --originator ${police.issuer}`;
    expect((await about('show', id)).err).toContain(next);
    const { code, out } = await about('acknowledge', id, '--own-reference', 'own:2026-4711', '--json');
    expect([code, JSON.parse(out)]).toMatchObject([0, { originator: police.issuer, told: [police.issuer] }]);
    const text = flat(await shown(id));
    expect(text).toMatch(new RegExp(`^a person has it ${node.issuer}, \\S+Z$`, 'm'));
    expect(text).toContain(`${node.issuer} a person has it, as own 2026-4711`);
  });

  test('feedback goes to the originator, and what only police say is refused', async () => {
    const id = await theirs();
    const { code, err } = await about('feedback', id, '--code', 'forwarded', '--country', 'NL');
    expect([code, err]).toEqual([0, expect.stringContaining(`On its way to ${police.issuer}`)]);
    expect(await shown(id)).toContain(`${node.issuer} feedback: forwarded, NL`);
    const refused = await about('feedback', id, '--code', 'victim-safeguarded');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('not-competent')]);
  });

  test('an offer is answered, or returned when it was taken', async () => {
    const id = await theirs();
    await policeSays('handover', { step: 'offered', to: node.issuer }, { id, originator: police.issuer });
    expect((await about('show', id)).err).toContain('(--accept, or --decline CODE): caseref reference handover');
    expect((await about('handover', id, '--decline', 'no-capacity')).code).toBe(0);
    expect(await shown(id)).toContain(`${node.issuer} declined the pen, no-capacity`);
    const again = await about('handover', id, '--accept');
    expect([again.code, again.err]).toEqual([1, expect.stringMatching(/state-conflict.*No offer to this node/)]);
  });
});

describe('what another party told', () => {
  test('with no operator registered it counts at once, and says what that is worth', async () => {
    const id = await ours({ marking: { tlp: 'AMBER', notifyHost: 'may' } });
    const words = ['--until', day(5), '--ground', 'victim-safety', '--authority', 'police'];
    const told = ['--told-by', 'LKA Cybercrime', '--channel', 'phone', '--their-reference', 'national:DE:4711'];
    const { code, out, err } = await about('hold', id, ...words, ...told);
    expect(code, err).toBe(0);
    expect(flat(out)).toMatch(/^told by LKA Cybercrime$/m);
    expect(err).toContain('a second person is not enforced');
    const text = flat(await shown(id));
    expect(text).toContain(`hold LKA Cybercrime, as ${node.issuer} states: until ${day(5)}`);
    expect(text).toContain('; call +49 30 5550003');
    expect(text).toContain(`${node.issuer} states that LKA Cybercrime said (phone, national:DE 4711): placed a hold`);
    expect((await about('hold', id, '--lift', ...told)).code).toBe(0);
    expect(flat(await shown(id))).toMatch(/^state open$/m);
  });

  test('a unit on the list has a plain name, a country and a number that can be called', async () => {
    const wrong = await say('unit', 'add', 'no/desk', '--jurisdiction', 'DE');
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('plain words')]);
    const nowhere = await say('unit', 'add', 'Desk', '--jurisdiction', 'UK');
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('jurisdiction-invalid')]);
    const phone = await say('unit', 'add', 'Desk', '--jurisdiction', 'DE', '--phone', 'ask Eve');
    expect([phone.code, phone.err]).toEqual([2, expect.stringContaining('no telephone number')]);
    const digest = await say('unit', 'add', 'd41d8cd98f00b204e9800998ecf8427e', '--jurisdiction', 'DE');
    expect([digest.code, digest.err]).toEqual([1, expect.stringContaining('fingerprint-refused')]);
  });

  test('a unit that is not on the list is refused with the command that puts it there', async () => {
    const id = await ours();
    const { code, err } = await about('clear', id, '--refuse', '--told-by', 'Unit of Nobody', '--channel', 'letter');
    expect([code, err]).toEqual([1, expect.stringMatching(/code-unknown at \/toldBy\/unit.*\n +next: .*unit add/)]);
  });

  test('with two operators it waits for the same words of the second, and other words end nothing unawares', async () => {
    const id = await ours();
    await register('ada');
    await register('ben');
    const words = ['--action', 'removed', '--observed', '--at', EARLIER];
    const told = ['--told-by', 'LKA Cybercrime', '--channel', 'phone'];
    const alone = await about('act', id, ...words, ...told);
    expect([alone.code, alone.err]).toEqual([1, expect.stringContaining('operator-required')]);
    const first = await as('ada', 'act', id, ...words, ...told);
    expect(first.code, first.err).toBe(0);
    expect(flat(first.out)).toMatch(/^state pending\nauthor ada$/m);
    const again = `caseref reference act ${id} --originator ${node.issuer} --action removed --observed --at ${EARLIER}`;
    expect(first.err).toContain(`${again} --told-by 'LKA Cybercrime' --channel phone --operator FILE`);
    const waits = await about('show', id);
    expect(flat(waits.out)).toMatch(/^not confirmed yet acted, recorded by ada, /m);
    expect(waits.out).not.toContain('states that LKA');
    const pending = await say('operator', 'pending');
    expect(pending.err).toContain(`caseref reference act ${id} --originator ${node.issuer} 'WHAT YOU WERE TOLD'`);
    const own = await as('ada', 'act', id, ...words, ...told);
    expect([own.code, own.err]).toEqual([1, expect.stringContaining('approval-own')]);
    const other = await as('ben', 'act', id, '--action', 'unavailable', '--observed', '--at', EARLIER, ...told);
    expect([other.code, other.err]).toEqual([
      1,
      expect.stringMatching(/state-conflict.*\n +next: .*--instead-of S256:/),
    ]);
    const second = await as('ben', 'act', id, ...words, ...told);
    expect(second.code, second.err).toBe(0);
    expect(flat(second.out)).toMatch(/^state recorded\nauthor ada\napprover ben$/m);
    const text = await shown(id);
    expect(text).toContain(`${node.issuer} states that LKA Cybercrime said (phone): removed (observed)`);
  });

  test('the list of units takes two as well, and a removed one is heard no more', async () => {
    const first = await signed('ada', 'unit', 'remove', 'LKA Cybercrime');
    expect(first.err).toContain("caseref unit remove 'LKA Cybercrime' --operator FILE");
    expect((await say('unit', 'list')).out).toMatch(/^LKA Cybercrime +DE-BE +\+49 30 5550003/m);
    expect((await signed('ben', 'unit', 'remove', 'LKA Cybercrime')).code).toBe(0);
    expect((await say('unit', 'list')).err).toContain('There is no unit yet');
    const gone = await signed('ada', 'unit', 'remove', 'LKA Cybercrime');
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('not-found')]);
  });
});

describe('a wrong call is a usage error with its next step', () => {
  const id = '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001';
  test.each([
    [['handover', id], 'Give one of: --offer, --accept, --decline, --confirm, --return'],
    [['handover', id, '--accept', '--confirm'], 'Give one of'],
    [['handover', id, '--accept', '--answer-by', 'now'], 'Give it with --offer'],
    [['clear', id], 'Give one of: --request, --grant, --refuse'],
    [['clear', id, '--grant', '--deadline', '2026-12-01'], 'Leave --deadline out'],
    [['hold', id, '--lift', '--ground', 'investigation'], 'Give --lift alone'],
    [['hold', id, '--until', '2026-12-01', '--ground', 'investigation'], 'A hold says --authority'],
    [['hold', id, '--until', 'soon', '--ground', 'investigation', '--authority', 'court'], 'This is no instant'],
    [['act', id, '--action', 'removed', '--observed', '--proposed'], 'cannot be used with'],
    [['act', id, '--action', 'removed', '--at', 'soon'], 'This is no instant'],
    [['assess', id, '--scheme', 'uk-sentencing', '--code', 'A', '--method', 'viewed'], 'Give --scheme-version'],
    [['acknowledge', id, '--own-reference', '4711'], 'names no system'],
    [['feedback', id, '--code', 'useful', '--channel', 'phone'], 'leave --channel out'],
    [['feedback', id, '--code', 'useful', '--operator', 'ada.operator.key'], 'leave --operator out'],
    [['feedback', id, '--code', 'useful', '--told-by', 'LKA Cybercrime'], 'Give --channel'],
  ])('%j', async (args, message) => {
    const { code, err } = await say('reference', ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  test.each([
    [['act', id, '--action', 'deleted'], /code-unknown at \/action/],
    [['feedback', id, '--code', 'nice'], /code-unknown at \/code/],
  ])('a code that is in no list is refused: %j', async ([name = '', , ...words], message) => {
    const { code, err } = await about(name, await theirs(), ...words);
    expect([code, err]).toEqual([1, expect.stringMatching(message)]);
  });

  test('an unknown reference is not found', async () => {
    const { code, err } = await about('feedback', id, '--code', 'useful');
    expect([code, err]).toEqual([1, expect.stringContaining('not-found')]);
  });

  test('a draft is of what another party told and of nothing else: it would be recorded', async () => {
    const args = { id: await theirs(), event: 'feedback', payload: { code: 'useful' } };
    const answer = await node.running.operations['act.draft']({ operation: 'reference.say', by: 'a'.repeat(43), args });
    expect(answer).toMatchObject({ ok: false, refusals: [{ code: 'usage-invalid', pointer: '/signature' }] });
    expect(await shown(args.id)).not.toContain('feedback');
  });
});

test('a node that does not run is asked in the same words', async () => {
  const id = await ours();
  await node.stop();
  const { code, out, err } = await run(['reference', 'act', id, '--action', 'removed', '--json'], {
    environment: { CASEREF_DATA: node.directory, CASEREF_PASSPHRASE: node.options.passphrase.reveal() },
  });
  expect([code, err]).toEqual([0, '']);
  expect(JSON.parse(out)).toMatchObject({ id, event: 'acted' });
}, 30_000);

const passphraseOf = (name: string) => `invented words of ${name} for tests`;

const signed = (name: string, ...args: string[]) =>
  inside([...args, '--operator', `${name}.operator.key`], {
    ...{ CASEREF_DATA: node.directory, INIT_CWD: node.directory },
    CASEREF_OPERATOR_PASSPHRASE: passphraseOf(name),
  });
const as = (name: string, verb: string, id: string, ...more: string[]) => signed(name, 'reference', verb, id, ...more);

/** Makes a key in the name of a person, cheap to open, and registers it. */
async function register(name: string): Promise<void> {
  const file = join(node.directory, `${name}.operator.key`);
  const made = await createOperatorKey(file, name, passphraseOf(name), 2 ** 14);
  if (isRefusal(made)) throw new Error(`no key was made: ${made.code}`);
  await node.ask('operator.add', { name, jwk: made.jwk });
}
