import { heldStatements, holdersOf, type SentTo } from '../../store/case.ts';
import type { Trx } from '../../store/open.ts';
import { firstUnderway } from '../../store/overtaking.ts';
import type { Arrival } from '../arrival.ts';
import type { Exchange } from '../context.ts';
import { ownerOf, type ReferenceName } from '../record.ts';
import { type CaseLog, openLogs } from './log.ts';

/** The logs that a batch of messages speaks of. */
export interface Cases {
  readonly logs: ReadonlyMap<string, CaseLog>;
  /** Whom we sent own references, by reference. */
  readonly holders: ReadonlyMap<string, ReadonlyMap<string, SentTo>>;
  /** How many statements of a sender wait. */
  readonly waiting: Map<string, number>;
  /** The messages that came before something that their sender sent earlier, or where no number tells: `<issuer> <jti>`. */
  readonly overtaking: ReadonlySet<string>;
}

/** Reads the logs of what these messages speak of; the caller has locked the references. */
export async function openCases(
  exchange: Exchange,
  trx: Trx,
  {
    names,
    arrivals,
    keyOf,
  }: {
    readonly names: readonly ReferenceName[];
    readonly arrivals: readonly Arrival[];
    readonly keyOf: Parameters<typeof openLogs>[3];
  },
): Promise<Cases> {
  const logs = await openLogs(exchange, trx, names, keyOf);
  const holders = new Map<string, ReadonlyMap<string, SentTo>>();
  const waiting = new Map<string, number>();
  const said = arrivals.filter(({ judged }) => judged.kind === 'statement');
  if (said.length === 0) return { logs, holders, waiting, overtaking: new Set() };
  for (const { name } of logs.values()) {
    if (name.originator !== exchange.self) continue;
    holders.set(ownerOf(name), new Map((await holdersOf(trx, name)).map((one) => [one.partner, one])));
  }
  for (const sender of new Set(said.map(({ verified }) => verified.claims.iss)))
    waiting.set(sender, await heldStatements(trx, sender));
  return { logs, holders, waiting, overtaking: await overtakingAmong(trx, said, arrivals) };
}

async function overtakingAmong(trx: Trx, said: readonly Arrival[], arrivals: readonly Arrival[]): Promise<Set<string>> {
  const overtaking = new Set<string>();
  const streamOf = ({ verified: { claims } }: Arrival) => `${claims.iss} ${claims['urn:caseref:seq']?.epoch}`;
  for (const [stream, some] of Map.groupBy(said, streamOf)) {
    const numbers = arrivals.flatMap((one) => (streamOf(one) === stream ? (numberOf(one) ?? []) : []));
    const [partner = '', epoch = ''] = stream.split(' ');
    const missing = numbers.length === 0 ? 0 : await firstUnderway(trx, { partner, epoch, numbers });
    for (const one of some) {
      const n = numberOf(one);
      if (n === undefined || n > missing) overtaking.add(`${partner} ${one.verified.claims.jti}`);
    }
  }
  return overtaking;
}

const numberOf = ({ verified }: Arrival): number | undefined => verified.claims['urn:caseref:seq']?.n;
