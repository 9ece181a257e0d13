import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { CompactSign, type CryptoKey, compactVerify, importJWK, type JWK } from 'jose';
import pg from 'pg';
import { Agent } from 'undici';

/** What the bench tells a side of the floor to do. */
export interface FloorTask {
  readonly database: string;
  readonly schema: string;
  readonly privateKey: JWK;
  readonly peerKey: JWK;
  readonly payload: string;
}

const text = new TextEncoder();

/**
 * One side of the floor: the bare parts of an exchange with nothing around them. Each leg is insert, sign, POST, verify,
 * insert; the receipt's leg ends with the mark on the first row. No policy, no gates, no encryption, no feed.
 */
async function serveFloor(task: FloorTask, origin: () => string, done: () => void) {
  const pool = new pg.Pool({ connectionString: task.database, max: 10, options: `-c search_path=${task.schema}` });
  await pool.query(`create schema if not exists ${task.schema}`);
  await pool.query(
    'create table sent (id uuid primary key, body text not null, receipted boolean not null default false)',
  );
  await pool.query('create table taken (id uuid primary key, body text not null)');
  const key = (await importJWK(task.privateKey, 'Ed25519')) as CryptoKey;
  const peer = (await importJWK(task.peerKey, 'Ed25519')) as CryptoKey;
  const agent = new Agent({ connections: 32 });
  const bodies = text.encode(task.payload);

  async function post(id: string): Promise<void> {
    const token = await new CompactSign(bodies)
      .setProtectedHeader({ alg: 'Ed25519', typ: 'secevent+jwt', kid: id })
      .sign(key);
    const answer = await agent.request({ origin: origin(), path: '/', method: 'POST', body: token });
    await answer.body.dump();
    if (answer.statusCode !== 202) throw new Error(`the floor answered ${answer.statusCode}`);
  }

  async function send(id: string): Promise<void> {
    await pool.query('insert into sent (id, body) values ($1, $2)', [id, task.payload]);
    await post(id);
  }

  async function take(token: string, answers: boolean): Promise<void> {
    const { protectedHeader } = await compactVerify(token, peer, { algorithms: ['Ed25519'] });
    const id = String(protectedHeader.kid);
    await pool.query('insert into taken (id, body) values ($1, $2)', [id, token]);
    if (answers) return void send(id);
    await pool.query('update sent set receipted = true where id = $1', [id]);
    done();
  }

  function listen(answers: boolean): Promise<number> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        take(Buffer.concat(chunks).toString('latin1'), answers).then(
          () => response.writeHead(202).end(),
          () => response.writeHead(500).end(),
        );
      });
    });
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  }

  return { send, listen };
}

/** Messages between the bench and a side. */
export type FloorOrder =
  | { readonly task: FloorTask; readonly answers: boolean }
  | { readonly peer: string }
  | { readonly run: number; readonly inFlight: number };

let peerOrigin = '';
let finished = 0;
let wanted = 0;
let side: Awaited<ReturnType<typeof serveFloor>> | undefined;

async function run(count: number, inFlight: number): Promise<void> {
  finished = 0;
  wanted = count;
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      begun += 1;
      await side?.send(randomUUID());
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

process.on('message', async (order: FloorOrder) => {
  if ('task' in order) {
    side = await serveFloor(
      order.task,
      () => peerOrigin,
      () => {
        finished += 1;
        if (finished === wanted) process.send?.({ finished });
      },
    );
    process.send?.({ port: await side.listen(order.answers) });
  } else if ('peer' in order) peerOrigin = order.peer;
  else await run(order.run, order.inFlight);
});
