import type { FastifyInstance, FastifyReply } from 'fastify';
import { type ReplayRefusal, readReplayRequest, replayDescriptions } from '../domain/replay.ts';
import type { ReplayServer } from '../exchange/replay-server.ts';
import { sendProblem } from './problem.ts';
import { signedDoor } from './signed-request.ts';

const PATH = '/exchange/replay';
const BODY_LIMIT = 4096;

/** A stream once more, from a number on (protocol, "Endpoints"), under the same signature as a poll. */
export function replayRoute(app: FastifyInstance, replays: ReplayServer): void {
  const door = signedDoor(replays, { path: PATH, bodyLimit: BODY_LIMIT, read: readReplayRequest });
  app.post(PATH, door.options, async (request, reply) => {
    const entered = await door.enter(request, reply);
    if (!entered) return reply;
    const answer = await replays.grant(entered.caller, entered.asked);
    if (answer.status === 'suspended') return sendProblem(reply, 'partner-suspended');
    if (answer.status === 'busy') return sendProblem(reply, 'rate-exceeded', answer.retryAfter);
    if (answer.status === 'refused') return sendRefusal(reply, answer.refusal);
    return sendJson(reply.code(202), answer.grant);
  });
}

function sendRefusal(reply: FastifyReply, { err, ...more }: ReplayRefusal): FastifyReply {
  const body = { err, description: replayDescriptions[err], ...more };
  return sendJson(reply.code(400).header('content-language', 'en'), body);
}

/** As bytes, so that the framework adds no charset to the content type. */
function sendJson(reply: FastifyReply, body: object): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(body)));
}
