import { beforeEach, describe, expect, test } from 'vitest';
import type { PostOutcome } from '../../src/domain/attempt.ts';
import { createLines, type Lines } from '../../src/transport/line.ts';

const to = { partner: 'https://node.hotline-b.example' };
const away = { status: 'unreachable', code: 'partner-away' };
const HOUR = 3_600_000;
const MINUTE = 60_000;

let time = 0;
let lines: Lines;
beforeEach(() => {
  time = 0;
  lines = createLines(() => time);
});

const refusal = (http: number, retryAfterMs?: number): PostOutcome => ({
  status: 'refused',
  http,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

async function answered(...outcomes: readonly PostOutcome[]): Promise<void> {
  for (const outcome of outcomes) await lines.through(to, async () => outcome);
}

/** A post that is under way until it is told what it comes to. */
function underWay(terms?: Parameters<Lines['through']>[2], signal?: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<PostOutcome>();
  let begun = false;
  const post = () => {
    begun = true;
    return promise;
  };
  const came = lines.through({ ...to, ...(signal && { signal }) }, post, terms);
  return { came, end: resolve, begun: () => begun };
}

const closed = () => answered(...Array.from({ length: 5 }, () => refusal(503)));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a partner that asks to be left alone', () => {
  test('is left alone for as long as it asked, once it said so five times in a row', async () => {
    await answered(...Array.from({ length: 4 }, () => refusal(429, 2 * MINUTE)));
    expect(lines.allowance(to.partner, time)).toBe(Number.POSITIVE_INFINITY);
    await answered(refusal(429, 2 * MINUTE));
    expect(lines.shutUntil(to.partner, time)).toBe(2 * MINUTE);
    expect(await lines.through(to, () => Promise.reject(new Error('it was posted')))).toEqual(away);
  });

  test.each([429, 503])(
    'with %i is left alone for five minutes at most: its recalls wait behind it',
    async (status) => {
      await answered(...Array.from({ length: 5 }, () => refusal(status, 24 * HOUR)));
      expect(lines.shutUntil(to.partner, time)).toBe(5 * MINUTE);
    },
  );

  test('says so with 429 and 503 only: the same field of another answer counts for nothing', async () => {
    await answered(...Array.from({ length: 5 }, () => refusal(500, HOUR)));
    expect(lines.shutUntil(to.partner, time)).toBe(5000);
  });

  test('later than others that were under way still counts', async () => {
    const late = underWay();
    await closed();
    late.end(refusal(503, 60_000));
    await late.came;
    expect(lines.shutUntil(to.partner, time)).toBe(60_000);
  });

  test('and mixes 503 and 429 closes the way', async () => {
    await answered(refusal(503), refusal(429), refusal(503), refusal(429), refusal(503));
    expect(lines.allowance(to.partner, time)).toBe(0);
  });
});

test.each([413, 400, 404])('a %i is about one message and closes nothing', async (status) => {
  await answered(...Array.from({ length: 9 }, () => refusal(status)));
  expect(lines.allowance(to.partner, time)).toBe(Number.POSITIVE_INFINITY);
});

test('a 429 to a request with a quota of its own says nothing of the partner', async () => {
  for (let n = 0; n < 9; n += 1) await lines.through(to, async () => refusal(429, HOUR), { ownQuota: true });
  expect(lines.allowance(to.partner, time)).toBe(Number.POSITIVE_INFINITY);
});

describe('when a pause is over', () => {
  beforeEach(async () => {
    await closed();
    time = 5000;
  });

  test('one post goes, whoever posts, and the others are told that the partner is away', async () => {
    const [probe, ...others] = Array.from({ length: 5 }, () => underWay());
    expect(lines.allowance(to.partner, time)).toBe(0);
    expect(await Promise.all(others.map(({ came }) => came))).toEqual(others.map(() => away));
    expect(others.some(({ begun }) => begun())).toBe(false);
    probe?.end({ status: 'accepted' });
    expect(await probe?.came).toEqual({ status: 'accepted' });
    expect(lines.allowance(to.partner, time)).toBe(Number.POSITIVE_INFINITY);
  });

  test('a probe that fails begins the next pause, and leaves its place to the one after', async () => {
    await answered(refusal(503));
    expect(lines.shutUntil(to.partner, time)).toBe(15_000);
    time = 15_000;
    expect(lines.allowance(to.partner, time)).toBe(1);
  });

  test.each(['broken off', 'thrown'])('a probe that was %s decides nothing and leaves its place', async (how) => {
    const ending = new AbortController();
    const post = async (): Promise<PostOutcome> => {
      if (how === 'thrown') throw new Error('a defect');
      ending.abort();
      return { status: 'unreachable', code: 'connection-failed' };
    };
    await lines.through({ ...to, signal: ending.signal }, post).catch(() => undefined);
    expect(lines.allowance(to.partner, time)).toBe(1);
  });

  test('another partner is not concerned', async () => {
    void underWay();
    const other = await lines.through({ partner: 'https://node.police-c.example' }, async () => refusal(400));
    expect(other).toEqual(refusal(400));
  });
});

describe('what must be told whoever was silent', () => {
  test('goes during a pause', async () => {
    await closed();
    expect(await lines.through(to, async () => refusal(503), { always: true })).toEqual(refusal(503));
    expect(lines.shutUntil(to.partner, time)).toBe(5000);
  });

  test('goes after the probe that is under way, one at a time', async () => {
    await closed();
    time = 5000;
    const probe = underWay();
    const told = [underWay({ always: true }), underWay({ always: true })];
    await turn();
    expect(told.map(({ begun }) => begun())).toEqual([false, false]);
    probe.end(refusal(503));
    await probe.came;
    await turn();
    expect(told.map(({ begun }) => begun())).toEqual([true, false]);
    told[0]?.end({ status: 'accepted' });
    await told[0]?.came;
    await turn();
    expect(told[1]?.begun()).toBe(true);
    told[1]?.end({ status: 'accepted' });
    await told[1]?.came;
  });
});
