import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { hostNotices } from '../../src/domain/authority/notice.ts';
import { conflictKinds } from '../../src/domain/authority/state.ts';
import { codes } from '../../src/domain/codes.ts';
import { timelineEvents } from '../../src/exchange/case/case-view.ts';
import { codesEn } from '../../src/portal/texts/codes-en.ts';
import { en } from '../../src/portal/texts/en.ts';

// The catalogue says every code that the protocol has, and nothing that no page says.

describe('every listed code has words, so that none of ours is ever shown as not known', () => {
  test.each([
    ['category', codes.category],
    ['urgency', codes.urgencyLevel],
    ['urgencyCode', codes.urgencyCode],
    ['role', codes.role],
    ['feature', codes.features],
    ['scheme', codes.assessmentScheme],
    ['method', codes.assessmentMethod],
    ['basis', codes.concernedBasis],
    ['notifyHost', codes.markingNotifyHost],
    ['onward', codes.markingOnward],
    ['siteType', codes.siteType],
    ['purpose', codes.purpose],
    ['organisation', codes.organisationType],
    ['action', codes.action],
    ['reason', codes.reason],
    ['standing', codes.actionStanding],
    ['feedback', codes.feedback],
    ['holdStep', codes.holdStep],
    ['clearanceStep', codes.clearanceStep],
    ['handoverStep', codes.handoverStep],
    ['decline', codes.handoverDecline],
    ['event', timelineEvents],
    ['hostReason', hostNotices],
    ['conflict', conflictKinds],
  ] as const)('%s', (list, listed) => {
    const said: Readonly<Record<string, string>> = codesEn[list];
    expect((listed as readonly string[]).filter((code) => said[code] === undefined)).toEqual([]);
  });

  test('handle systems, but for those that carry a country', () => {
    const listed = codes.handleSystem.filter((code) => !code.includes(':'));
    expect(listed.filter((code) => codesEn.handleSystem[code] === undefined)).toEqual([]);
  });
});

test('nothing stands in the catalogue that no page says', async () => {
  const pages: string[] = [];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  for await (const path of glob(['src/portal/**/*.ts', 'src/exchange/portal/*.ts'], { cwd }))
    if (!path.includes('/texts/')) pages.push(await readFile(join(cwd, path), 'utf8'));
  const code = pages.join('\n');
  const members = Object.entries(en).flatMap(([name, value]) =>
    name === 'codes' || typeof value !== 'object' || Array.isArray(value) ? [name] : Object.keys(value),
  );
  const unsaid = members.filter((name) => {
    const plain = name.replace(/Text$/, '');
    return !code.includes(`.${name}`) && !new RegExp(`\\b${plain}\\b`).test(code);
  });
  expect(unsaid).toEqual([]);
});
