import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';
import { selfSigned } from './self-signed.ts';

// Real listeners on loopback that answer as a test says, and end with it.

interface Closing {
  close(): unknown;
}

export interface Listening {
  /** An HTTP listener; gives its origin. */
  http(answer: RequestListener): Promise<string>;
  /** The same behind TLS with a certificate that nobody vouches for. */
  tls(answer: RequestListener, pair?: ReturnType<typeof selfSigned>): Promise<string>;
  /** Bytes as they are, for each connection. */
  raw(meet: (socket: Socket) => void): Promise<string>;
  /** Closes with the others. */
  keep<One extends Closing>(one: One): One;
  closeAll(): Promise<void>;
}

export function listening(): Listening {
  const opened: Closing[] = [];
  const keep = <One extends Closing>(one: One): One => {
    opened.push(one);
    return one;
  };

  async function start(server: ReturnType<typeof createSocketServer>): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    keep({
      close: () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      },
    });
    return (server.address() as AddressInfo).port;
  }

  return {
    http: async (answer) => `http://127.0.0.1:${await start(createServer(answer))}`,
    tls: async (answer, pair = selfSigned()) => `https://127.0.0.1:${await start(createSecureServer(pair, answer))}`,
    raw: async (meet) => `http://127.0.0.1:${await start(createSocketServer(meet))}`,
    keep,
    async closeAll() {
      for (const one of opened.splice(0)) await one.close();
    },
  };
}
