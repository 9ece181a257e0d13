import { expect, test } from 'vitest';
import { printReference } from '../../src/cli/reference-view.ts';
import { createTerminal } from '../../src/cli/terminal.ts';

type Shown = Parameters<typeof printReference>[1];

const base = {
  originator: 'https://node.hotline-a.example',
  id: '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c001',
  direction: 'in',
  state: 'open',
  revision: 1,
  createdAt: '2026-11-20T10:00:00Z',
  updatedAt: '2026-11-20T10:00:00Z',
  url: 'hxxps://host[.]example/…',
  category: 'csam',
  marking: { tlp: 'AMBER', notifyHost: 'may' },
  history: { revisions: [] },
  decisions: [],
  deliveries: [],
};

function printed(changes: object): string {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) };
  printReference(createTerminal({ stdout: stream, stderr: stream }), { ...base, ...changes } as unknown as Shown);
  return lines.join('');
}

test('a reference in the reduced form shows what is requested and on what legal basis', () => {
  const text = printed({ requested: 'remove', legalBasis: 'notice-and-action' });
  expect(text).toMatch(/^requested +remove$/m);
  expect(text).toMatch(/^legal basis +notice-and-action$/m);
  expect(text).not.toMatch(/undefined|hosted in/);
});

test('an emergency that was lowered here says so, and why', () => {
  const urgency = { level: 'priority', code: 'live-now' };
  const text = printed({ urgency, lowered: { stated: 'emergency', code: 'emergencies-exceeded' } });
  expect(text).toMatch(/^urgency +priority, live-now$/m);
  expect(text).toMatch(
    /^lowered here +its originator says emergency; it raised more of these today than the policy takes$/m,
  );
});

test('what was passed on is its sender’s account, its assessments too', () => {
  const source = { iss: 'https://node.hotline-c.example', sub: '0190a6b0-5d3c-7c11-9d5e-2f60b6a1c002' };
  const assessment = {
    scheme: 'iccam',
    version: '3',
    code: 'baseline',
    law: 'DE',
    method: 'viewed',
    at: '2026-11-20T10:00:00Z',
  };
  const text = printed({ source, assessments: [assessment] });
  expect(text).toContain(`${base.originator} states that ${source.iss} submitted ${source.sub}`);
  expect(text).toContain(`assessed by ${source.iss}, as ${base.originator} states, as iccam baseline under DE`);
});

test('what is whole and urgent by itself says none of this', () =>
  expect(printed({ urgency: { level: 'emergency', code: 'live-now' } })).not.toMatch(/requested|lowered|passed on/));
