import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Every connection that this process begins by HTTP, in the clear or not: undici tells of each before it looks up the name. */
const CHANNEL = 'undici:client:beforeConnect';

export interface Outbound {
  /** `host:port` of the connections begun since it was asked last, but for those to the ports that the test itself calls. */
  begun(): string[];
  stop(): void;
}

interface Attempt {
  readonly connectParams: { readonly hostname: string; readonly port: string; readonly protocol: string };
}

/** Watches what this process connects to, apart from the test's own calls to the ports named. */
export function watchOutbound(own: readonly number[]): Outbound {
  const seen: string[] = [];
  const note = (message: unknown) => {
    const { hostname, port } = (message as Attempt).connectParams;
    if (!own.includes(Number(port))) seen.push(`${hostname}:${port}`);
  };
  subscribe(CHANNEL, note);
  return { begun: () => seen.splice(0), stop: () => void unsubscribe(CHANNEL, note) };
}

/** A listener that nobody should ever call. */
export interface Trap {
  readonly url: string;
  /** Paths that were asked for all the same. */
  readonly called: string[];
  close(): Promise<void>;
}

/** Opens a trap on loopback. */
export async function trap(): Promise<Trap> {
  const called: string[] = [];
  const server = createServer((request, response) => {
    called.push(request.url ?? '');
    response.end('{"keys":[]}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    called,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
