/**
 * Refusals are expected answers, not failures: values from one closed table of stable codes. A code never changes its
 * meaning; the table only grows. Failures of I/O are thrown, bugs crash.
 */
export const refusals = {
  'schema-invalid': [
    'A member is missing, unknown or malformed',
    'Compare the member with the published schema and send it again.',
  ],
  'media-refused': ['Media cannot be carried', 'Take the media out: a reference carries an address and codes only.'],
  'fingerprint-refused': [
    'Fingerprints of media cannot be carried',
    'Take the digest out; quote a case number of your own system as a handle instead.',
  ],
  'url-invalid': ['The address is not a valid URL', 'Send an absolute http, https or ftp URL of at most 8,000 bytes.'],
  'url-scheme-refused': [
    'The scheme of the address is refused',
    'Only http, https and ftp addresses can be exchanged.',
  ],
  'url-quarantined': [
    'The address has a form that is refused',
    'Write the address with a public host name in lower-case A-label form and no user information.',
  ],
  'handle-invalid': [
    'The handle is not acceptable',
    'Use a known system and an opaque id of 1 to 64 characters; write a UUID with its hyphens.',
  ],
  'jurisdiction-invalid': [
    'The jurisdiction is not a known code',
    'Use ISO 3166-1 alpha-2 (or 3166-2), XK, XX for unknown or XO for an onion service.',
  ],
  'category-unknown': [
    'The category is not in the code list',
    'Use a code of schemas/codes/category.json, or "not-assessed".',
  ],
  'code-unknown': ['The code is not in its code list', 'Use a code of its list in schemas/codes, or "unknown".'],
  'marking-invalid': [
    'The marking contradicts itself or is unknown',
    'Use a TLP 2.0 label in capitals (RED, AMBER+STRICT, AMBER, GREEN, CLEAR) and the codes of schemas/codes/marking-*.json.',
  ],
  'reference-exists': [
    'A reference with this id exists already',
    'Revise it (PUT /v1/references/{id} of the node API), or send a new id.',
  ],
  'revision-conflict': [
    'The revision does not follow the stored one',
    'Read the reference again and revise what it says now.',
  ],
  'url-immutable': [
    'The address of a reference never changes',
    'Submit another reference and name this one in "related".',
  ],
  'not-originator': ['Only the originator may say this', 'Ask the originator of the reference.'],
  'not-assignee': ['Only the organisation that holds the pen may say this', 'Send it as observed or proposed.'],
  'already-final': ['The reference has a final outcome already', 'Report a reappearance, or an observation.'],
  'reference-withdrawn': [
    'The reference was withdrawn by its originator',
    'Nothing further can be said about it; submit a new reference.',
  ],
  'reference-unknown': ['The reference is not known here', 'Send its submission first.'],
  'hold-active': ['A hold is in force', 'Call the desk named in the hold.'],
  'hold-not-competent': ['The sender may not place holds here', 'Ask the partner to allow holds in its policy.'],
  'not-competent': [
    'The sender is not the one who can say this',
    'Have the competent party say it, or record what it told: toldBy.',
  ],
  'handover-pending': ['A hand-over is not completed', 'Wait for the answer or its deadline.'],
  'pen-conflict': ['Several organisations hold the pen for this address', 'Agree with the other holder who acts.'],
  'legal-basis-missing': ['The policy names no legal basis', 'Record the legal basis in the policy of this partner.'],
  'transfer-not-allowed': [
    'The policy allows no transfer to this country',
    'Record the ground of transfer in the policy of this partner.',
  ],
  'policy-refused': ['The recipient’s policy refuses this', 'Ask the partner which references it takes.'],
  'policy-held': ['The recipient’s policy holds this for a person to decide', 'Wait for the decision.'],
  'partner-unknown': ['The organisation is no partner of this node', 'Introduce it: caseref partner add.'],
  'partner-pending': [
    'The partner is not confirmed',
    'Compare the fingerprint by telephone and confirm it: caseref partner confirm.',
  ],
  'partner-suspended': ['The partner is suspended', 'Ask the operator.'],
  'partner-exists': [
    'This partner is known already',
    'Look at it: caseref partner show ISSUER. Its newer keys come by themselves; its card is not needed again.',
  ],
  'fingerprint-mismatch': [
    'The fingerprint is not that of the card',
    'Do not confirm. Call the partner on a known number and compare again.',
  ],
  'card-invalid': ['The peer card cannot be accepted', 'Ask the partner for a new card: caseref card.'],
  'publication-invalid': [
    'The signed key set cannot be published by this node',
    'Ask for the signature anew: caseref keys export-public.',
  ],
  'policy-invalid': [
    'The policy document cannot be accepted',
    'Mend the member named and check it: caseref policy check FILE.',
  ],
  'rate-exceeded': ['Too many requests', 'Wait for the time given and try again.'],
  'withdrawals-exceeded': ['More withdrawals than the policy takes', 'Wait for the decision of the operator.'],
  'onward-not-allowed': ['Its originator does not allow that it is passed on', 'Ask the originator to send it itself.'],
  'encryption-required': ['The message must be encrypted', 'Encrypt to a current encryption key of the recipient.'],
  'key-suspect': ['The message was signed by a key reported as compromised', 'Attest it again under a new key.'],
  'too-large': ['The body is larger than allowed', 'Send less at a time.'],
  'unsupported-event': ['This node does not know the event type', 'Send an event type of protocol version 1.'],
  'json-invalid': [
    'The body is not strict JSON',
    'Send UTF-8 JSON without duplicate members, prototype members or fractional numbers.',
  ],
  'cursor-invalid': ['The cursor was not issued by this node', 'Start again without a cursor.'],
  'query-invalid': [
    'A query parameter is unknown or malformed',
    'Compare the parameter with the API description at /openapi.json.',
  ],
  unauthenticated: [
    'The client token is missing, unknown or revoked',
    'Send Authorization: Bearer with a token made by caseref client create.',
  ],
  'scope-missing': ['The client lacks the scope for this', 'Ask the operator for a client with the scope named.'],
  'not-found': ['There is nothing here that this caller may see', 'Check the id and the originator.'],
  'method-not-allowed': ['The path does not take this method', 'Compare the call with /openapi.json.'],
  'media-type-unsupported': ['The content type is not accepted', 'Send Content-Type: application/json.'],
  'precondition-required': ['If-Match is required', 'Send If-Match with the ETag that you read.'],
  'precondition-failed': ['The reference has changed since it was read', 'Read it again and decide anew.'],
  'idempotency-mismatch': ['The idempotency key was used for another body', 'Use a new key for a new request.'],
  'delivery-unknown': ['There is no such delivery', 'List them: caseref delivery list.'],
  'state-conflict': ['The state does not allow this', 'Read the current state first.'],
  'operator-required': [
    'Two operators are registered, so an operator has to sign this',
    'Name the file of your own key: --operator FILE.',
  ],
  'operator-unknown': [
    'The signature is by no registered operator, or by one that was removed',
    'Look who is registered: caseref operator list.',
  ],
  'approval-invalid': [
    'The signature is not for this act, or not a valid one',
    'Give the command again with --operator FILE: it signs anew what it shows.',
  ],
  'approval-own': [
    'Nobody approves an act of their own',
    'Ask another operator to approve it: caseref operator pending.',
  ],
  'invitation-invalid': [
    'The invitation is unknown, was used, or is over',
    'Ask the operator for a new one: caseref liaison renew ID --invite.',
  ],
  'sign-in-refused': ['The sign-in could not be verified', 'Begin it again from the sign-in page.'],
  'session-ended': ['There is no such session, or it has ended', 'Sign in again.'],
  'accreditation-ended': [
    'The accreditation is not in force',
    'Ask the operator: it may be over, suspended, or unused for 90 days.',
  ],
  'cross-site-refused': ['The request was sent by another site', 'Open the portal itself, and do it there.'],
  'usage-invalid': ['The call is not complete', 'Read --help of the command.'],
  'store-locked': [
    'Another command or node on this machine is using this data directory',
    'Wait until that command has ended, or stop that node (Ctrl-C, or kill and its process number), and try again.',
  ],
  'store-unavailable': ['The store cannot be reached', 'Check CASEREF_DATABASE, and that the server runs.'],
  'setting-invalid': ['A setting is missing or contradicts another', 'Mend the setting named.'],
  'passphrase-wrong': [
    'The passphrase does not open the key store',
    'Check CASEREF_PASSPHRASE or CASEREF_PASSPHRASE_FILE.',
  ],
  'file-mode-lax': ['A secret file can be read by others', 'chmod 600 the file named.'],
  unavailable: ['The node cannot answer now', 'Try again later.'],
  internal: ['The node met an error of its own', 'Try again; tell the operator the time if it stays.'],
} as const satisfies Record<string, readonly [title: string, next: string]>;

export type RefusalCode = keyof typeof refusals;

/** An expected, coded "no". `pointer` is an RFC 6901 JSON pointer into what was refused ('' is the whole). */
export interface Refusal {
  readonly refused: true;
  readonly code: RefusalCode;
  readonly pointer: string;
  /** What is wrong, in one sentence; never contains the refused value. */
  readonly message: string;
  /** What to do about it, in one sentence. */
  readonly next: string;
}

/** Makes a refusal; message and next step default to those of the table. */
export function refuse(code: RefusalCode, pointer = '', message?: string, next?: string): Refusal {
  const [title, step] = refusals[code];
  return { refused: true, code, pointer, message: message ?? `${title}.`, next: next ?? step };
}

/** Tells a refusal from any other value. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { refused?: unknown }).refused === true;
}
