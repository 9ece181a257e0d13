import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readPollRequest } from '../domain/poll.ts';
import type { PollServer } from '../exchange/poll-server.ts';
import { readSignature, type SignedFields, type UnverifiedRequest } from '../wire/http-signature.ts';
import { isJsonFault, parseStrict } from '../wire/strict.ts';
import { tokenOf } from './content-type.ts';
import { sendProblem } from './problem.ts';

const PATH = '/exchange/poll';
/** A thousand acknowledgements, or as many refusals with a sentence each, fit. */
const BODY_LIMIT = 256 * 1024;
const CHALLENGE = 'Signature realm="caseref"';

/** Poll-based delivery (RFC 8936, section 2), authenticated by an HTTP message signature over the whole request. */
export function pollRoute(app: FastifyInstance, polls: PollServer): void {
  // A long poll that waits would keep the listener from closing.
  app.addHook('preClose', async () => polls.close());
  app.post(PATH, { bodyLimit: BODY_LIMIT, preParsing: onlySigned }, async (request, reply) => {
    const signed = signatureOf(request);
    if (!signed) return sendUnproven(reply);
    const body = tokenOf(request);
    const admittance = await polls.admit(signed, body);
    if (admittance.status === 'unproven') return sendUnproven(reply);
    if (admittance.status === 'pending') return sendProblem(reply, 'partner-pending');
    if (admittance.status === 'limited') return sendProblem(reply, 'rate-exceeded', admittance.retryAfter);
    const read = parseStrict(body, { bytes: BODY_LIMIT });
    const asked = isJsonFault(read) ? undefined : readPollRequest(read.value);
    if (!asked) return sendProblem(reply, 'json-invalid');
    const { answer, written } = await polls.poll(admittance.caller, asked, goneWith(reply));
    reply.raw.once('finish', () => void written());
    return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(answer)));
  });
}

/** What has no signature of the one form is refused before a byte of its body is read. */
async function onlySigned(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  return signatureOf(request) ? undefined : sendUnproven(reply);
}

/** One answer for whatever is wrong; the time is told so that a clock that is wrong can be put right. */
function sendUnproven(reply: FastifyReply): FastifyReply {
  return sendProblem(reply.header('www-authenticate', CHALLENGE), 'unauthenticated');
}

/** The address that was signed is the published one, so a request for anything beside it is another request. */
function signatureOf(request: FastifyRequest): UnverifiedRequest | undefined {
  if (request.raw.url !== PATH || request.headers['content-encoding'] !== undefined) return undefined;
  return readSignature(fieldsOf(request));
}

/** Fields by what really came: Node keeps the first of two content types and joins other fields that come twice. */
function fieldsOf({ raw }: FastifyRequest): SignedFields {
  const only = (name: string): string | undefined => {
    const values = raw.headersDistinct[name];
    return values?.length === 1 ? values[0] : undefined;
  };
  return {
    contentType: only('content-type'),
    contentDigest: only('content-digest'),
    signature: only('signature'),
    signatureInput: only('signature-input'),
  };
}

/** Ends when the caller goes away before its answer: nothing is offered to nobody, and its place is free again. */
function goneWith(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
