import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Open connections from one source: a partner's node keeps 32, an attacker must not take what the process can open. */
const MOST_FROM_ONE = 256;
/** Node keeps reading at more and drops the rest in silence; a partner sends a dozen. */
const MOST_HEADERS = 64;

/**
 * Bounds what a connection costs before a request of it has been read. `isExempt` is asked with the address of the other
 * end: a proxy of our own brings the whole world by one.
 */
export function boundConnections(server: Server, isExempt: (address: string | undefined) => boolean): void {
  server.maxHeadersCount = MOST_HEADERS;
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    if (isExempt(socket.remoteAddress)) return;
    const source = networkOf(socket.remoteAddress ?? '');
    const count = (open.get(source) ?? 0) + 1;
    if (count > MOST_FROM_ONE) return void socket.destroy();
    open.set(source, count);
    socket.once('close', () => {
      const left = (open.get(source) ?? 1) - 1;
      if (left > 0) open.set(source, left);
      else open.delete(source);
    });
  });
}

/** One IPv6 customer has a /64 at least. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  const [head = ''] = address.split('::');
  return head.split(':').slice(0, 4).join(':');
}

const statuses: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What is no HTTP is answered with a status and nothing else: no framework's words, and no echo of what came. */
export function refuseBytes(failure: { readonly code?: string }, socket: Socket): void {
  if (failure.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = statuses[failure.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}
