import { type DetailMember, eventTypes } from '../domain/feed.ts';
import type { Schema } from './published.ts';
import { closed, count, format, instant, issuer, list, text, uuid } from './shapes.ts';

export const referenceName = closed('A reference: its originator and its id there.', ['originator', 'id'], {
  originator: issuer('Issuer of its originator.'),
  id: uuid('Its id at the originator.'),
});

/** Every member that the code can write: the filter at the way out must not lose who did it. */
const detail: Readonly<Record<DetailMember, Schema>> = {
  outcome: text('Outcome that a receipt says.'),
  digests: list(format('digest', 'Digest.'), 'Digests of two messages under one id.'),
  client: text('Id of a client of this API.'),
  scopes: list(text('Scope.'), 'Its scopes.'),
  type: text('Organisation type recorded for a partner.'),
  jurisdictions: list(text('Jurisdiction.'), 'Jurisdictions recorded for a partner.'),
  seq: count('Sequence number of a key set.'),
  version: count('Version of a policy.'),
  digest: text('Digest of what was signed, such as a policy.'),
  kid: text('Key id.'),
  alg: text('Algorithm of a key.'),
  deny: text('Id of an organisation-wide deny.'),
  alert: text('Id of an alert.'),
  urgency: text('Urgency of the reference, where it is an emergency.'),
  state: text('State that a reference came into, or was in.'),
  stated: text('Urgency that its originator states, where it counts as less here.'),
  replaced: text('Key id of the identity key that was replaced.'),
  replaces: text('Key id of the key whose place a new one takes.'),
  former: text('Key id of our own identity key before; of a case, its state before.'),
  changed: list(text('Member.'), 'What a newer card of a partner changed.'),
  since: instant('From when a lost key may have been in other hands.'),
  count: count('How many messages or references it is about.'),
  reason: text('Why, as the operator recorded it.'),
  effect: text('What was decided by hand, or again.'),
  batch: text('Batch of withdrawals.'),
  by: text(
    'Name of the operator who decided, or whose act ended this one; of a statement, the organisation that says it.',
  ),
  author: text('Name of the operator who signed it first.'),
  approver: text('Name of the operator who signed it as the second person.'),
  operator: text('Name of the operator that it is about.'),
  act: text('Kind of the act that was signed.'),
  subject: text('What that act is about: a partner, a deny, an operator.'),
  event: text('Event about a case.'),
  step: text('Step of a hand-over, hold or clearance.'),
  action: text('Action that was reported.'),
  relayed: { type: 'boolean', description: 'Whether it is known because the originator relayed it.' },
  toldBy: { type: 'boolean', description: 'Whether a party without a node told it.' },
  between: list(issuer('Organisation.'), 'The organisations that it is between.'),
  liaison: text('Id of the accreditation of a liaison.'),
  method: text('How a liaison signed in or enrolled: passkey or oidc.'),
  until: text(
    'When it ends or ended; of a request or an offer, until when an answer is awaited; of an accreditation, its last day.',
  ),
  standing: text('Standing of an action: final, observed or proposed.'),
  to: issuer('Whom the pen is offered to.'),
  duplicate: text('Of what a partner sent: known, possible, related (the host alone) or new.'),
  rule: text('Version of the duplicate rule.'),
};

/** One entry of the event feed. */
export const event = closed('One entry of the feed.', ['cursor', 'type', 'at'], {
  cursor: text('Cursor just after this entry.'),
  type: { type: 'string', enum: eventTypes, description: 'What happened; the list grows.' },
  at: instant('When.'),
  reference: referenceName,
  partner: issuer('The partner that it is about.'),
  jti: format('jti', 'The message that it is about.'),
  code: text('Refusal code or other code.'),
  detail: closed('More about it, by type.', [], detail),
});
