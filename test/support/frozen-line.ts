import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be held up: connections stay open, and nothing goes through. */
export interface FrozenLine {
  /** The address of the server by this way. */
  readonly url: string;
  freeze(): void;
  close(): void;
}

/** Stands before the server of an address, as a network does that loses every packet from one moment on. */
export async function frozenLine(to: string): Promise<FrozenLine> {
  const { hostname, port } = new URL(to);
  const open = new Set<Socket>();
  let frozen = false;
  const server = createServer((client) => {
    const there = connect(Number(port), hostname);
    for (const [one, other] of [
      [client, there],
      [there, client],
    ] as const) {
      open.add(one);
      one.on('error', () => one.destroy()).on('close', () => open.delete(one) && other.destroy());
      one.on('data', (chunk) => other.write(chunk));
      if (frozen) one.pause();
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = new URL(to);
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    freeze() {
      frozen = true;
      for (const one of open) one.pause();
    },
    close() {
      for (const one of open) one.destroy();
      server.close();
    },
  };
}
