import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which Linux takes ports for connections and for listeners that ask for any (32768 to 60999). */
const LOWEST = 10_000;
const HIGHEST = 32_000;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (free) await once(server.close(), 'close');
  return free;
}

/**
 * A port that is free now and that nobody is given by chance before it is used: a node is made seconds before it listens,
 * and a restarted one must get its port back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
}
