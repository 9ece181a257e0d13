import { expect, test } from 'vitest';
import { refuseRewriting } from '../../../src/domain/authority/pen-kept.ts';
import { mayRecord } from '../../../src/domain/authority/record.ts';
import type { Statement } from '../../../src/domain/authority/statement.ts';
import { handedOver, MINUTE, offerJti, parties, say, start, stateOf, type Who, who } from '../../support/case.ts';

// Who let the pen go dates a step back to when it held it.

const NOW = 6000;
const facts = {
  ...{ originator: who.originator, partyOf: (issuer: string) => parties.get(issuer), own: false },
  ...{ isHolder: true, withdrawn: false, confirmed: false },
};

function judged(step: Statement, log: readonly Statement[]) {
  const { pen } = stateOf(log, NOW);
  const context = { log, originator: who.originator, pen, now: start + NOW * MINUTE };
  return (mayRecord(step, stateOf(log, NOW), facts) ?? refuseRewriting(step, context))?.code;
}

const offer = (minutes: number, to: Who) =>
  say(minutes, 'hotline', 'handover', { step: 'offered', to: who[to] }, { jti: offerJti(minutes, to) });
const accept = (minutes: number, by: Who, offered: number) =>
  say(minutes, by, 'handover', { step: 'accepted', accepts: offerJti(offered, by) });
const confirm = (minutes: number, to: Who, offered: number) =>
  say(minutes, 'hotline', 'handover', { step: 'confirmed', accepts: offerJti(offered, to) });
const got = handedOver(0, 'originator', 'hotline');
const given = [...got, ...handedOver(5000, 'hotline', 'neighbour')];

test('a return said before the pen was given on does not take it from who has it', () => {
  const back = say(100, 'hotline', 'handover', { step: 'returned', code: 'no-capacity' });
  expect(judged(back, given)).toBe('not-assignee');
  expect(judged(back, got)).toBeUndefined();
});

test('nor does an old acceptance that is confirmed by then, or the acceptance of an old offer', () => {
  const offered = offer(10, 'bystander');
  const accepted = accept(11, 'bystander', 10);
  const confirmed = confirm(12, 'bystander', 10);
  expect(judged(confirmed, [...given, offered, accepted])).toBe('not-assignee');
  expect(judged(accepted, [...given, offered, confirmed])).toBe('not-assignee');
});

test('a hand-over in its turn goes on, in whatever order its last steps come', () => {
  const offered = offer(10, 'bystander');
  const accepted = accept(11, 'bystander', 10);
  const confirmed = confirm(12, 'bystander', 10);
  expect(judged(confirmed, [...got, offered, accepted])).toBeUndefined();
  expect(judged(accepted, [...got, offered, confirmed])).toBeUndefined();
  const back = say(20, 'bystander', 'handover', { step: 'returned', code: 'no-capacity' });
  expect(judged(back, [...got, offered, accepted, confirmed])).toBeUndefined();
});

test('two hand-overs that one giver confirmed stay a conflict that everybody sees', () => {
  const first = [...got, offer(10, 'bystander'), accept(11, 'bystander', 10), offer(9, 'neighbour')];
  const log = [...first, accept(11, 'neighbour', 9), confirm(12, 'bystander', 10)];
  const second = confirm(13, 'neighbour', 9);
  expect(judged(second, log)).toBeUndefined();
  expect(stateOf([...log, second], NOW).pen.holders).toEqual([who.neighbour, who.bystander]);
});
