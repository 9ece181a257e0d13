import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyFor } from '../support/foreign-partner.ts';
import { inventedReference } from '../support/invented.ts';
import { type MoodyPartner, meetMoody, moodyPartner, refuses, takes } from '../support/moody-partner.ts';
import { eventually, passphrase, type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// What an operator at night sees of what did not arrive, and does about it, on the real command line.

let node: TestNode;
let moody: MoodyPartner;

beforeAll(async () => {
  node = await testNode();
  moody = await moodyPartner(refuses('invalid_request'));
  await meetMoody(moody, node, policyFor(moody.issuer));
  for (const n of [1, 2, 3]) await node.ask('reference.submit', { reference: inventedReference(n) });
  await eventually('three dead letters', async () => (await node.ask('status', {})).outbox.dead === 3);
});
afterAll(async () => {
  await moody.close();
  await node.remove();
});

const cli = (...args: string[]): Promise<Ran> =>
  run(args, { environment: { CASEREF_DATA: node.directory, CASEREF_PASSPHRASE: passphrase.reveal() } });
const letters = async () => (await node.ask('delivery.list', { state: 'dead' })).items;

test('the list says how many need a person and how to look at them, above who waits for what since when', async () => {
  const { code, out, err } = await cli('delivery', 'list');
  expect(code).toBe(0);
  expect(err).toMatch(/^! dead-letter, http:\S+, 3 times, last /m);
  expect(err).toMatch(/0 wait, 0 without a receipt in time, 3 given up\./);
  expect(err).toContain('caseref delivery list --state dead');
  expect(out.split('\n')[0]).toMatch(
    /^id +partner +event +state +since +tries +last answer +next try +receipt +reference$/,
  );
  expect(out).toMatch(/ dead +\d{4}-\S+Z +1 +invalid_request /);
});

test('one is dropped with its reason and --yes, and without it nothing happens', async () => {
  moody.mood = takes;
  const [letter] = await letters();
  const { id = '' } = letter ?? {};
  const unsure = await cli('delivery', 'drop', id, '--reason', 'told-otherwise');
  expect([unsure.code, (await letters()).length]).toEqual([2, 3]);
  const done = await cli('delivery', 'drop', id, '--reason', 'told-otherwise', '--yes');
  expect([done.code, done.err]).toEqual([0, expect.stringContaining('is dropped (told-otherwise)')]);
  expect(done.err).toContain('The partner is told that its number never comes.');
  const again = await cli('delivery', 'drop', id, '--reason', 'told-otherwise', '--yes', '--json');
  expect(again.code).toBe(1);
  expect(JSON.parse(again.out || again.err)).toMatchObject({ code: 'state-conflict' });
});

test('the rest is sent again by one word', async () => {
  const { code, err } = await cli('delivery', 'retry', '--all', '--partner', moody.issuer);
  expect([code, err]).toEqual([0, expect.stringContaining('2 deliveries to')]);
  await eventually('they arrive', async () => moody.taken.length >= 3 && (await letters()).length === 0);
  const unknown = await cli('delivery', 'retry', '--all', '--partner', 'https://nobody.example');
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('partner-unknown')]);
});

test('an organisation that is no partner is refused before any other line', async () => {
  const { code, err } = await cli('delivery', 'list', '--partner', 'https://nobody.example');
  expect([code, err]).toEqual([1, expect.stringMatching(/^\S+ partner-unknown at \/partner/)]);
});

test('where nothing was given up it says what waits and how to send it now, and the word of an operator goes at once', async () => {
  moody.mood = refuses('access_denied');
  await node.ask('reference.submit', { reference: inventedReference(4) });
  await eventually('it was refused', async () => {
    const { items } = await node.ask('delivery.list', { state: 'queued' });
    return items.some(({ lastCode }) => lastCode === 'access_denied');
  });
  const none = await cli('delivery', 'retry', '--all', '--partner', moody.issuer);
  expect(none.code).toBe(0);
  expect(none.err).not.toContain('✓');
  expect(none.err).toMatch(
    /No delivery to \S+ was given up\.\n1 wait for their next try, the first until \d{4}-\S+Z\./,
  );
  expect(none.err).toContain(`caseref delivery retry --all --state queued --partner ${moody.issuer}`);
  const compared = await cli('reconcile', moody.issuer);
  expect([compared.code, compared.out]).toEqual([1, expect.stringMatching(/^LOOK/)]);
  expect(compared.out).toContain(`has suspended it`);
  expect(compared.out).toContain(`caseref partner show ${node.issuer}`);
  moody.mood = takes;
  const before = moody.taken.length;
  const now = await cli('delivery', 'retry', '--all', '--state', 'queued', '--partner', moody.issuer);
  expect([now.code, now.err]).toEqual([0, expect.stringContaining('✓')]);
  await eventually('it arrives', async () => moody.taken.length > before);
}, 60_000);

test('the next try of a partner that is suspended is not promised', async () => {
  moody.mood = refuses('access_denied');
  await node.ask('reference.submit', { reference: inventedReference(5) });
  await eventually('it waits', async () => (await node.ask('status', {})).outbox.queued > 0);
  const suspended = await cli('partner', 'suspend', moody.issuer, '--reason', 'examined');
  expect(suspended.err).not.toContain('✗');
  const { out } = await cli('delivery', 'list', '--state', 'queued');
  expect(out).toContain('stopped: suspended');
});

test('a line that is shut says until when, and no earlier next try is promised; doctor says since when it waits', async () => {
  const away = await moodyPartner((response) => void response.writeHead(503, { 'retry-after': '240' }).end());
  await meetMoody(away, node, policyFor(away.issuer));
  for (let n = 0; n < 40; n += 1) await node.ask('reference.submit', { reference: inventedReference(20 + n) });
  const held = await eventually('the line is shut', async () => {
    const { items } = await node.ask('delivery.list', { state: 'queued', partner: away.issuer, limit: 500 });
    return items.findLast(({ attempts, heldBack }) => attempts === 0 && heldBack?.by === 'line-shut');
  });
  const until = held.heldBack?.until ?? '';
  expect(Date.parse(until)).toBeGreaterThan(Date.now() + 120_000);
  const { out } = await cli('delivery', 'list', '--state', 'queued', '--partner', away.issuer);
  const row = out.split('\n').find((line) => line.startsWith(held.id));
  expect(row).toContain(`line shut until ${until.slice(11)}`);
  expect(row).not.toMatch(/line shut.*\d{4}-\d\d-\d\dT/);
  const { findings } = await node.ask('doctor', {});
  const [waits] = findings.filter(({ code, partner }) => code === 'delivery-waiting' && partner === away.issuer);
  expect(waits).toMatchObject({
    level: 'warn',
    message: expect.stringMatching(
      /^\d+ messages wait for \S+ since \S+Z \(.+\)\. The line is shut for a pause after failures in a row\.$/,
    ),
    next: `caseref delivery list --state queued --partner ${away.issuer}`,
  });
  await away.close();
}, 30_000);
