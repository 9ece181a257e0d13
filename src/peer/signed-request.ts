import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Admission, Caller } from '../exchange/admit-request.ts';
import { readSignature, type SignedFields, type UnverifiedRequest } from '../wire/http-signature.ts';
import { isJsonFault, parseStrict } from '../wire/strict.ts';
import { tokenOf } from './content-type.ts';
import { sendProblem } from './problem.ts';

const CHALLENGE = 'Signature realm="caseref"';

/** One endpoint that takes signed JSON. */
interface Door<Asked> {
  readonly path: string;
  readonly bodyLimit: number;
  /** Reads the strict JSON of a body; undefined for what is no request of this kind. */
  readonly read: (body: unknown) => Asked | undefined;
}

/** What of a route every signed request passes: its options, and who asks for what once that is proven. */
export interface SignedDoor<Asked> {
  readonly options: {
    readonly bodyLimit: number;
    readonly preParsing: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;
  };
  /** Who asks, and for what; undefined where it was answered already. */
  enter(request: FastifyRequest, reply: FastifyReply): Promise<{ caller: Caller; asked: Asked } | undefined>;
}

/** An endpoint for requests under an HTTP message signature (RFC 9421): one order of checks, and one answer to what is unproven. */
export function signedDoor<Asked>({ admit }: Admission, door: Door<Asked>): SignedDoor<Asked> {
  return {
    options: {
      bodyLimit: door.bodyLimit,
      // What has no signature of the one form is refused before a byte of its body is read.
      preParsing: async (request, reply) => (signatureOf(request, door.path) ? undefined : sendUnproven(reply)),
    },
    async enter(request, reply) {
      const signed = signatureOf(request, door.path);
      if (!signed) return void sendUnproven(reply);
      const body = tokenOf(request);
      const admittance = await admit(signed, body);
      if (admittance.status === 'unproven') return void sendUnproven(reply);
      if (admittance.status === 'pending') return void sendProblem(reply, 'partner-pending');
      if (admittance.status === 'limited') return void sendProblem(reply, 'rate-exceeded', admittance.retryAfter);
      const read = parseStrict(body, { bytes: door.bodyLimit });
      const asked = isJsonFault(read) ? undefined : door.read(read.value);
      if (asked === undefined) return void sendProblem(reply, 'json-invalid');
      return { caller: admittance.caller, asked };
    },
  };
}

/** One answer for whatever is wrong; the time is told so that a clock that is wrong can be put right. */
function sendUnproven(reply: FastifyReply): FastifyReply {
  return sendProblem(reply.header('www-authenticate', CHALLENGE), 'unauthenticated');
}

/** The address that was signed is the published one, so a request for anything beside it is another request. */
function signatureOf(request: FastifyRequest, path: string): UnverifiedRequest | undefined {
  if (request.raw.url !== path || request.headers['content-encoding'] !== undefined) return undefined;
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
