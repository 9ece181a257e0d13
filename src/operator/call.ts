import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { OperationAnswers, OperationArgs, OperationName } from './operations.ts';

/** A large import is one call of some seconds; a node that says nothing for this long is not there. */
const SILENCE_MS = 120_000;

/**
 * Asks a running node for an operation through its private socket. Throws when the node cannot be reached or breaks off:
 * whether it acted is then unknown.
 */
export async function callOperator<Name extends OperationName>(
  socketPath: string,
  name: Name,
  args: OperationArgs[Name],
): Promise<OperationAnswers[Name]> {
  const body = Buffer.from(JSON.stringify(args));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request({
    socketPath,
    method: 'POST',
    path: `/${name}`,
    headers: { 'content-type': 'application/json', 'content-length': body.length, connection: 'close' },
    timeout: SILENCE_MS,
  });
  call.once('response', (response) => text(response).then(resolve, reject));
  call.once('error', reject);
  call.once('timeout', () => call.destroy(new Error('the node does not answer')));
  call.end(body);
  return JSON.parse(await promise) as OperationAnswers[Name];
}
