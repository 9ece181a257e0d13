import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inventedReference } from '../support/invented.ts';
import { befriendNode, eventually, openPolicy, passphrase, type TestNode, testNode } from '../support/node.ts';
import { type Ran, run } from './run.ts';

// What an operator reads: the real command line beside a real node, and with the node stopped.

const CANARY = 'canary-8812';
let hotline: TestNode;
let police: TestNode;

interface Report {
  readonly well: boolean;
  readonly running: boolean;
  readonly findings: readonly { level: string; code: string; message: string; next?: string; alert?: string }[];
}

beforeAll(async () => {
  hotline = await testNode({ name: 'Hotline A' });
  police = await testNode({ name: 'Police B', type: 'law-enforcement', jurisdictions: ['NL'] });
  await befriendNode(hotline, police);
  await befriendNode(police, hotline);
});
afterAll(async () => {
  await hotline.remove();
  await police.remove();
});

function cli(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return run(args, {
    environment: { CASEREF_DATA: hotline.directory, CASEREF_PASSPHRASE: passphrase.reveal(), ...environment },
  });
}

async function doctor(environment?: NodeJS.ProcessEnv) {
  const { code, out, err } = await cli(['doctor', '--json'], environment);
  expect(err).toBe('');
  const report = JSON.parse(out) as Report;
  return { code, report, codes: report.findings.map((finding) => finding.code) };
}

/** The text with everything that changes from run to run in words. */
function steady(text: string): string {
  return text
    .replaceAll(hotline.issuer, 'http://HOTLINE')
    .replaceAll(police.issuer, 'http://POLICE')
    .replaceAll(hotline.directory, 'DIR')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'INSTANT')
    .replace(/\d{4}-\d\d-\d\d/g, 'DATE')
    .replace(/in \d+\.\d s/g, 'in TIME s')
    .replace(/\b(once, INSTANT|\d+ times, INSTANT to INSTANT)/g, 'HOW OFTEN, WHEN')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID');
}

async function read(environment?: NodeJS.ProcessEnv): Promise<{ code: number | null; text: string }> {
  const { code, out, err } = await cli(['doctor'], environment);
  return { code, text: steady(`$ caseref doctor\n${out}${err}exit ${code}\n`) };
}

describe('two nodes that run', () => {
  test('are well, by a true round trip and the clock of the other', async () => {
    const { code, text } = await read();
    expect(code, text).toBe(0);
    await expect(text).toMatchFileSnapshot('doctor-well.transcript.txt');
  });

  test('a command that cannot be run and a directory that others can enter are told', async () => {
    await chmod(join(hotline.directory, 'keys'), 0o755);
    const { code, codes } = await doctor();
    await chmod(join(hotline.directory, 'keys'), 0o700);
    expect([code, codes[0]]).toEqual([1, 'file-mode-lax']);
  });

  test('a partner that is away and a policy to review stand first', async () => {
    await police.stop();
    const urgent = { urgency: { level: 'emergency', code: 'live-now' }, url: `https://host.example/${CANARY}` };
    await hotline.ask('reference.submit', { reference: { ...inventedReference(1), ...urgent } });
    await eventually('an alert', async () => (await hotline.ask('alert.list', {})).items.length > 0);
    const policy = openPolicy(police.issuer);
    const legal = { ...(policy.legal as object), reviewBy: '2020-01-01' };
    await hotline.ask('policy.set', { issuer: police.issuer, document: { ...policy, legal } });
    const { code, text } = await read();
    expect(code).toBe(1);
    expect(text).not.toContain(CANARY);
    await expect(text).toMatchFileSnapshot('doctor-trouble.transcript.txt');
  });

  test('a partner that is away gathers no heap of round trips', async () => {
    await doctor();
    const { items } = await hotline.ask('delivery.list', { state: 'queued', limit: 500 });
    expect(items.filter(({ event }) => event === 'verify')).toHaveLength(1);
  });

  test('open alerts stand above the list of deliveries, and are closed by their id', async () => {
    const { out, err } = await cli(['delivery', 'list']);
    expect(err).toMatch(/^! emergency-undelivered, http:\S+, .*: An emergency could not be delivered\. Call now: .*$/m);
    expect(out).not.toContain('emergency-undelivered');
    expect(err.match(/Call now/g)).toHaveLength(1);
    const { report } = await doctor();
    const alert = report.findings.find(({ code }) => code === 'emergency-undelivered')?.alert ?? '';
    expect((await cli(['doctor', '--close', alert])).code).toBe(0);
    expect((await cli(['doctor', '--close', alert])).code).toBe(1);
    expect((await doctor()).codes).not.toContain('emergency-undelivered');
  });
});

describe('a node that does not run', () => {
  beforeAll(() => hotline.stop());

  test('is bad first of all, since its partners reach nobody; the rest is examined', async () => {
    const { code, report, codes } = await doctor();
    expect(report.running).toBe(false);
    expect([code, codes[0], report.findings[0]?.level]).toEqual([1, 'node-stopped', 'bad']);
    const read = await cli(['doctor', '--data', hotline.directory], { CASEREF_DATA: '' });
    expect([read.code, read.out]).toEqual([
      1,
      expect.stringMatching(/^LOOK .*\nbad .*No node runs.*\n.*caseref serve/),
    ]);
    // A command names the directory where this one was given it, in a sentence too.
    expect(read.out).toContain(`next: caseref serve --data ${hotline.directory}\n`);
    expect(read.out).toMatch(/next: Review it, then: caseref policy set \S+ FILE --data \S+$/m);
    expect(read.out).not.toMatch(/^(?! +next: .*caseref ).* --data /m);
    expect(codes).not.toContain('round-trip');
    expect(codes).not.toContain('partner-unreachable');
  });

  test('that cannot be opened says why, and what else is wrong', async () => {
    await chmod(join(hotline.directory, 'keys', 'node.key'), 0o644);
    const { code, text } = await read();
    await chmod(join(hotline.directory, 'keys', 'node.key'), 0o600);
    expect(code).toBe(1);
    await expect(text).toMatchFileSnapshot('doctor-closed.transcript.txt');
  });

  test('a setting that cannot be is a finding, and a directory without a node a wrong call', async () => {
    const { code, text } = await read({ CASEREF_ALERT_COMMAND: 'tell.sh' });
    expect([code, text]).toEqual([1, expect.stringMatching(/^bad .*CASEREF_ALERT_COMMAND: .*absolute path/m)]);
    const broken = await doctor({ CASEREF_ALERT_COMMAND: '/nowhere/tell.sh' });
    expect([broken.code, broken.codes]).toEqual([1, expect.arrayContaining(['alert-command-broken'])]);
    expect((await cli(['doctor', '--data', join(hotline.directory, 'nowhere')])).code).toBe(2);
  });

  test('settings that cannot be read are a finding too', async () => {
    const file = join(hotline.directory, 'node.json');
    await writeFile(file, JSON.stringify({ issuer: 'not an issuer' }));
    const { code, codes } = await doctor();
    expect([code, codes[0]]).toEqual([1, 'setting-invalid']);
    await rm(file);
  });
});
