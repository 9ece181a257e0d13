import { expect, test } from 'vitest';
import { onSameNode } from '../../src/cli/command.ts';

// A next step can be pasted as it stands: the directory that one command was given is in the next one too.

const at = '--data node';
const partner = 'https://node.police-b.example';

test.each([
  ['caseref serve', `caseref serve ${at}`],
  [
    `Call its operator; see what waits: caseref delivery list --partner ${partner}`,
    `Call its operator; see what waits: caseref delivery list --partner ${partner} ${at}`,
  ],
  [
    'Call first. caseref reference show ID (when it is seen to: caseref doctor --close ID)',
    `Call first. caseref reference show ID ${at} (when it is seen to: caseref doctor --close ID ${at})`,
  ],
  [
    'Look at it: caseref operator list. Names are used once.',
    `Look at it: caseref operator list ${at}. Names are used once.`,
  ],
  [
    'caseref keys rotate, then caseref keys activate KID --reason TEXT',
    `caseref keys rotate ${at}, then caseref keys activate KID --reason TEXT ${at}`,
  ],
  [
    `Make a key with one that it names: caseref partner show ${partner}, then caseref keys rotate`,
    `Make a key with one that it names: caseref partner show ${partner} ${at}, then caseref keys rotate ${at}`,
  ],
  [
    `Ask its operator to publish one: caseref keys publish; then: caseref partner check ${partner}`,
    `Ask its operator to publish one: caseref keys publish; then: caseref partner check ${partner} ${at}`,
  ],
])('%s', (next, expected) => {
  expect(onSameNode({ data: 'node' }, next)).toBe(expected);
  expect(onSameNode({}, next)).toBe(next);
});

test.each([
  'Ask its operator: caseref keys list',
  'Look again in a minute; if it stays, ask its operator to run: caseref doctor',
  'Ask the partner for a card of today: caseref card.',
  `Call its operator, who looks and mends it there: caseref partner show ${partner}`,
  'Did it restore a backup? Its operator then declares it: caseref reconcile ISSUER --restored --yes (ISSUER is our address)',
  'Make the node anew with PostgreSQL: caseref init --database URL',
  'caseref --help lists the commands, caseref COMMAND --help explains one.',
  'Call its operator.',
])('is left as it is: %s', (next) => expect(onSameNode({ data: 'node' }, next)).toBe(next));
