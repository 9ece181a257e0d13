import { AddressRefused } from './address.ts';

const timeouts: ReadonlySet<unknown> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const words: ReadonlyMap<unknown, string> = new Map([
  ['ECONNREFUSED', 'connection-refused'],
  ['ENOTFOUND', 'name-unresolved'],
  ['EAI_AGAIN', 'name-unresolved'],
  ['ECONNRESET', 'connection-lost'],
  ['UND_ERR_SOCKET', 'connection-lost'],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'answer-too-large'],
  ['UND_ERR_HEADERS_OVERFLOW', 'answer-too-large'],
]);

/** Codes of OpenSSL and of Node's own checks for a certificate or a handshake that is not accepted. */
const tls =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT|CRL|DEPTH|SELF_SIGNED|UNABLE|HOSTNAME|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH)/;

/** A stable word for what went wrong below HTTP; the message of the failure may name the address and is dropped. */
export function failureCode(failure: unknown): string {
  if (failure instanceof AddressRefused) return failure.code;
  const { code, name, cause } = failure as { code?: unknown; name?: unknown; cause?: unknown };
  if (cause instanceof AddressRefused) return cause.code;
  if (name === 'TimeoutError' || timeouts.has(code)) return 'timeout';
  const word = words.get(code);
  if (word !== undefined) return word;
  return typeof code === 'string' && tls.test(code) ? 'tls-refused' : 'connection-failed';
}
