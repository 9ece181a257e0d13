import type { FastifyInstance, FastifyReply } from 'fastify';
import { readPollRequest } from '../domain/poll.ts';
import type { PollServer } from '../exchange/poll-server.ts';
import { signedDoor } from './signed-request.ts';

const PATH = '/exchange/poll';
/** A thousand acknowledgements, or as many refusals with a sentence each, fit. */
const BODY_LIMIT = 256 * 1024;

/** Poll-based delivery (RFC 8936, section 2), authenticated by an HTTP message signature over the whole request. */
export function pollRoute(app: FastifyInstance, polls: PollServer): void {
  // A long poll that waits would keep the listener from closing.
  app.addHook('preClose', async () => polls.close());
  const door = signedDoor(polls, { path: PATH, bodyLimit: BODY_LIMIT, read: readPollRequest });
  app.post(PATH, door.options, async (request, reply) => {
    const entered = await door.enter(request, reply);
    if (!entered) return reply;
    const { answer, written } = await polls.poll(entered.caller, entered.asked, goneWith(reply));
    reply.raw.once('finish', () => void written());
    return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(answer)));
  });
}

/** Ends when the caller goes away before its answer: nothing is offered to nobody, and its place is free again. */
function goneWith(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
