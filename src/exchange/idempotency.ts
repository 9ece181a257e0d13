import { type Refusal, refuse } from '../domain/refusal.ts';
import type { DataKey, Place } from '../domain/secrets.ts';
import type { Trx } from '../store/open.ts';
import { isClosed } from '../store/recall.ts';
import type { Insert } from '../store/rows.ts';
import { lockName } from '../store/transaction.ts';
import type { Exchange } from './context.ts';
import { openText, ownerOf, type ReferenceName, sealText } from './record.ts';

/** An `Idempotency-Key` as a client sent it, with the body it came with. */
export interface Idempotency {
  readonly client: string;
  readonly key: string;
  readonly body: string;
}

const DAY = 24 * 60 * 60 * 1000;

function digests(exchange: Exchange, one: Idempotency) {
  return {
    client: one.client,
    key: exchange.vault.digest('idempotency-key', one.key),
    body: exchange.vault.digest('idempotency-body', one.body),
  };
}

function place(client: string, key: Uint8Array): Place {
  return { table: 'idempotency', row: `${client} ${Buffer.from(key).toString('hex')}`, column: 'response' };
}

/**
 * What earlier calls with the same keys were answered: the stored answer for the same body, a refusal for another one,
 * undefined for a key that is new or older than 24 h. The answers are sealed with their reference's data key, so a purge
 * takes them too.
 */
export async function recall<Answer extends object>(
  exchange: Exchange,
  trx: Trx,
  calls: readonly (Idempotency | undefined)[],
): Promise<(Answer | Refusal[] | undefined)[]> {
  if (calls.every((one) => one === undefined)) return calls.map(() => undefined);
  const since = new Date(exchange.clock() - DAY);
  const answers: (Answer | Refusal[] | undefined)[] = [];
  for (const call of calls) answers.push(call && (await recallOne<Answer>(exchange, trx, call, since)));
  return answers;
}

async function recallOne<Answer extends object>(exchange: Exchange, trx: Trx, call: Idempotency, since: Date) {
  const { client, key, body } = digests(exchange, call);
  // Two first calls with one key at the same time, in two processes, must not both find nothing.
  await lockName(trx, `${client} ${Buffer.from(key).toString('hex')}`);
  const row = await trx
    .selectFrom('idempotency as i')
    .leftJoin('reference_key as k', (join) =>
      join.onRef('k.originator', '=', 'i.originator').onRef('k.id', '=', 'i.reference_id'),
    )
    .leftJoin('reference as r', (join) =>
      join.onRef('r.originator', '=', 'i.originator').onRef('r.id', '=', 'i.reference_id'),
    )
    .select(['r.state', 'i.body_digest', 'i.response', 'i.originator', 'i.reference_id', 'i.created_at', 'k.wrapped'])
    .where('i.client', '=', client)
    .where('i.key_digest', '=', Buffer.from(key))
    .executeTakeFirst();
  if (!row) return undefined;
  if (row.created_at < since) {
    await trx
      .deleteFrom('idempotency')
      .where('client', '=', client)
      .where('key_digest', '=', Buffer.from(key))
      .execute();
    return undefined;
  }
  if (!row.body_digest.equals(Buffer.from(body))) return [refuse('idempotency-mismatch')];
  if (!row.wrapped) return [refuse('not-found')];
  if (row.state === null || isClosed(row.state)) return [refuse('reference-withdrawn')];
  const dataKey = exchange.vault.unwrap(row.wrapped, ownerOf({ originator: row.originator, id: row.reference_id }));
  const stored = JSON.parse(openText(exchange.vault, dataKey, place(client, key), row.response)) as Answer;
  return { ...stored, replayed: true };
}

/** What was answered about a reference, and under which key. */
interface Answered extends ReferenceName {
  readonly dataKey: { readonly key: DataKey };
  readonly idempotency: Idempotency | undefined;
  readonly answer: object;
}

/** The rows that keep answers for 24 h beside what they answered, in the same transaction. */
export function remember(exchange: Exchange, answered: readonly Answered[]): Insert {
  const at = new Date(exchange.clock());
  const rows = answered.flatMap(({ originator, id, dataKey, idempotency, answer }) => {
    if (!idempotency) return [];
    const { client, key, body } = digests(exchange, idempotency);
    const response = sealText(exchange.vault, dataKey.key, place(client, key), JSON.stringify(answer));
    return [
      {
        client,
        key_digest: key,
        body_digest: body,
        originator,
        reference_id: id,
        response,
        created_at: at,
      },
    ];
  });
  return { table: 'idempotency', rows };
}
