import { referenceStates } from '../domain/reference.ts';
import { caseComponents, caseHistory } from './case-components.ts';
import { event, referenceName } from './event-components.ts';
import { published, type Schema } from './published.ts';
import { closed, count, format, instant, issuer, list, text, uuid } from './shapes.ts';

/** What bodies of the node API are made of. They are also the filter at the way out: a member not named here never leaves. */

const effects = ['send', 'hold', 'withhold', 'accept', 'refuse'];

const revision = closed('One stored revision.', ['revision', 'at'], {
  revision: count('Its number.'),
  at: instant('When it was stored here.'),
  jti: format('jti', 'The message that brought it; absent for own references.'),
});

/** `url` and `access.referrer` are masked for clients without the scope references:locate. */
function referenceView(): Schema {
  const content = published('reference.schema.json').properties as Record<string, Schema>;
  const access = content.access as { properties: Record<string, Schema> };
  const address = (description: string): Schema => ({
    type: 'string',
    description: `${description} Masked without the scope references:locate.`,
  });
  return closed(
    'A case reference as this node has it. The content is absent once it was erased; an industry node has the reduced form.',
    ['originator', 'id', 'direction', 'state', 'revision', 'createdAt', 'updatedAt'],
    {
      originator: issuer('Issuer of its originator.'),
      id: uuid('Its id at the originator.'),
      direction: { type: 'string', enum: ['in', 'out'], description: 'Whether it came from a partner or is our own.' },
      state: { type: 'string', enum: referenceStates, description: 'Its state here.' },
      unknown: list(
        text('JSON pointer.'),
        'Members whose codes stand in no list of this node; they stand as they came.',
      ),
      createdAt: instant('When it was first stored here.'),
      updatedAt: instant('When it last changed here.'),
      suspect: {
        type: 'boolean',
        description:
          'True where a message about it was signed by a key that was lost before, and is not attested anew.',
      },
      lowered: closed('Why a partner’s reference counts as less urgent here than it says.', ['stated', 'code'], {
        stated: text('The level that its originator states; "urgency" has the one that counts here.'),
        code: {
          type: 'string',
          enum: ['emergencies-exceeded'],
          description: 'The partner’s quota of the day is used up.',
        },
      }),
      requested: format('code', 'What an industry node is asked to do, in the reduced form.'),
      legalBasis: format('code', 'On what basis, in the reduced form.'),
      ...content,
      url: address('Where the content was found.'),
      access: { ...access, properties: { ...access.properties, referrer: address('Address to come from.') } },
      history: closed('What happened to it.', ['revisions'], {
        revisions: list(revision, 'Its revisions, oldest first.'),
        ...caseHistory,
      }),
      case: { $ref: 'Case#' },
      duplicates: list(
        duplicate,
        'Other references to its address or host, own and partners’; where it is shown alone.',
      ),
      duplicateAnswer,
    },
  );
}

const clause = (description: string): Schema =>
  closed(description, ['member', 'wanted', 'found'], {
    member: text('Member of the reference or partner.'),
    wanted: list(text('Code.'), 'Values that the rule asks for.'),
    found: list(text('Code.'), 'Values that were there.'),
  });

const traceStep = closed('One step of a decision.', ['kind', 'id', 'matched'], {
  kind: {
    type: 'string',
    enum: ['deny', 'legal', 'partner', 'marking', 'rule', 'default'],
    description: 'What was asked.',
  },
  id: text('Id of the rule or deny, or the name of the gate.'),
  matched: { type: 'boolean', description: 'Whether this step spoke.' },
  effect: { type: 'string', enum: effects, description: 'What it asked for.' },
  failed: clause('The first clause of a rule that did not match.'),
  compared: list(clause('One clause.'), 'Every clause of a rule that matched, or of a deny that applied: codes only.'),
  note: text('One sentence for a person.'),
});

const decision = {
  partner: issuer('The partner that it is about.'),
  effect: { type: 'string', enum: effects, description: 'What was decided.' },
  rule: text('Id of what decided: a rule, deny:ID or a gate.'),
  code: text('Refusal code, where one stands behind it.'),
  policyVersion: count('Version of the policy that it was decided by; 0 without one.'),
  trace: list(traceStep, 'Every step, in its order.'),
  change: text('The nearest change that would turn the outcome.'),
  disclosed: list(text('Member.'), 'Members that leave, or would leave.'),
};
const decided = ['partner', 'effect', 'rule', 'policyVersion', 'trace'];

const duplicateMatch: Schema = {
  type: 'string',
  enum: ['known', 'possible', 'related'],
  description: 'Same address, the same but for its fragment, or the same host alone.',
};

const duplicate = closed(
  'Another reference to the same address or host. It closes, hides and lowers nothing.',
  ['originator', 'id', 'match', 'state', 'open', 'rule'],
  {
    originator: issuer('Issuer of its originator.'),
    id: uuid('Its id at the originator.'),
    match: duplicateMatch,
    state: { type: 'string', enum: referenceStates, description: 'Its state here.' },
    open: { type: 'boolean', description: 'Whether work on it is still open.' },
    lastSeenOnline: closed('When it was last seen online, and by whom.', ['at', 'by'], {
      at: instant('When.'),
      by: issuer('Who saw it.'),
    }),
    recurrence: closed('Its history in numbers, which is no flag.', ['removals', 'reappearances'], {
      removals: count('How often it was removed or became unavailable.'),
      reappearances: count('How often it reappeared.'),
    }),
    rule: text('Version of the duplicate rule.'),
  },
);

const duplicateAnswer = closed(
  'What this node knows of the address before work starts. Nothing of it is sent to a partner.',
  ['answer', 'rule', 'sameHost', 'penConflict'],
  {
    answer: { ...duplicateMatch, enum: ['known', 'possible', 'related', 'new'] },
    rule: text('Version of the duplicate rule.'),
    sameHost: closed('Other references among the newest ones of its host.', ['count', 'more'], {
      count: count('How many.'),
      more: { type: 'boolean', description: 'Whether there may be others: search by host lists them.' },
    }),
    penConflict: list(issuer('Organisation.'), 'Who holds the pen for the address, where they are several.'),
  },
);

const normalised = closed('A member that was brought to its canonical form before signing.', ['pointer', 'code'], {
  pointer: text('JSON pointer (RFC 6901) of the member.'),
  code: { type: 'string', enum: ['host-canonical'], description: 'What was done.' },
});

const receipt: Schema = {
  ...closed('What the partner’s signed receipt says; null until there is one.', ['outcome', 'at'], {
    outcome: {
      type: 'string',
      enum: ['accepted', 'held', 'refused', 'sealed', 'purged', 'retained'],
      description: 'Outcome at the partner.',
    },
    code: text('Its reason.'),
    pointer: text('JSON pointer of the member that it is about.'),
    jti: format('jti', 'The receipt’s own message id.'),
    at: instant('When it was settled here.'),
    suspect: {
      type: 'boolean',
      description: 'True where it was signed by a key that was lost before, and is not attested anew.',
    },
  }),
  type: ['object', 'null'],
};

/** Whom to call about an emergency. */
const call = closed('Whom to call at once about an emergency.', ['partner', 'name', 'says'], {
  partner: issuer('The partner.'),
  name: text('Name of the organisation.'),
  says: text('Call: none of this replaces the call.'),
  contact: published('peer-card.schema.json#/$defs/Contact'),
});

const delivery = closed(
  'One message to one partner.',
  ['id', 'partner', 'event', 'jti', 'state', 'attempts', 'createdAt', 'receipt'],
  {
    id: text('Id of the delivery.'),
    partner: issuer('The recipient.'),
    event: text('Event type of the protocol.'),
    jti: format('jti', 'Message id.'),
    reference: referenceName,
    revision: count('Revision that it carries.'),
    state: {
      type: 'string',
      enum: ['queued', 'sent', 'receipted', 'overdue', 'dead', 'dropped'],
      description: 'State.',
    },
    attempts: count('How often it was tried.'),
    seq: closed('Position in the stream to this partner.', ['epoch', 'n'], {
      epoch: uuid('Epoch of the stream.'),
      n: count('Number in it.'),
    }),
    digest: format('digest', 'Digest of the signed message.'),
    lastCode: text(
      'Why the last attempt failed; send-limit: it waits for the limit of our own policy; voided: it was taken, does not go again, and a voided covers its number; said-there: our store was put back and forgot it, and the partner says that it has it.',
    ),
    createdAt: instant('When it was queued.'),
    nextAttemptAt: instant('When it is tried next.'),
    sentAt: instant('When the partner took it.'),
    receipt,
    call,
  },
);

const partnerMembers = {
  issuer: issuer('Its issuer.'),
  name: text('Name of the organisation.'),
  state: { type: 'string', enum: ['pending', 'active', 'suspended'], description: 'Whether messages flow.' },
  type: text('Organisation type as recorded at confirmation.'),
  jurisdictions: list(format('jurisdiction', 'Jurisdiction.'), 'Jurisdictions as recorded at confirmation.'),
  coverage: published('peer-card.schema.json#/$defs/Organisation/properties/coverage'),
  fingerprint: format('thumbprint', 'Fingerprint of its identity key.'),
  spokenFingerprint: text('The same in eight groups of digits, to compare by telephone.'),
  stateReason: text('Why it is suspended, as the operator recorded it.'),
  addedAt: instant('When its card was added.'),
  confirmedAt: instant('When its fingerprint was confirmed.'),
  verifiedBy: text('How it was confirmed, as the operator recorded it.'),
  foreign: { type: 'boolean', description: 'Whether it is a foreign client of the wire protocol.' },
  local: { type: 'boolean', description: 'Whether it runs on this machine.' },
  contact: published('peer-card.schema.json#/$defs/Contact'),
  keySet: closed('Its current key set.', ['seq', 'expiresAt', 'fetchedAt', 'failures'], {
    seq: count('Sequence number.'),
    expiresAt: instant('When it expires.'),
    fetchedAt: instant('When it came in.'),
    refreshedAt: instant('When it was last seen to be the newest.'),
    triedAt: instant('When it was last asked for.'),
    failures: count('How often it was asked for in vain since.'),
  }),
  algorithms: list(text('Algorithm.'), 'Signature algorithms that it verifies, by its key set.'),
  encryption: closed('Whether messages to it are encrypted.', ['mode'], {
    mode: {
      type: 'string',
      enum: ['required', 'optional', 'none'],
      description: 'Required: a plain message is refused either way; optional: encrypted though it need not be.',
    },
    kid: format('thumbprint', 'Its current encryption key.'),
  }),
};

const partnerKey = closed('One key that is pinned for it.', ['kid', 'alg', 'use', 'expiresAt'], {
  kid: format('thumbprint', 'Key id.'),
  alg: text('The one algorithm that it is for.'),
  use: { type: 'string', enum: ['sig', 'enc'], description: 'Signatures or encryption.' },
  notBefore: instant('When it starts to count.'),
  expiresAt: instant('When it stops to count.'),
  revokedAt: instant('From when it is revoked.'),
  revokedReason: text('Why, as the partner says.'),
  revocationSeenAt: instant('When this node learned of that.'),
});

const replacement = closed('Another identity key that waits to be confirmed.', ['fingerprint', 'addedAt'], {
  fingerprint: format('thumbprint', 'Fingerprint of that key.'),
  spokenFingerprint: text('The same in eight groups of digits.'),
  addedAt: instant('When its card came.'),
});

const suspect = closed('Messages of it that are suspect and not attested anew.', ['count', 'items'], {
  count: count('How many.'),
  items: list(
    closed('One of the newest of them.', ['jti', 'event', 'receivedAt'], {
      jti: text('Id of the message.'),
      event: text('Event type.'),
      receivedAt: instant('When it came.'),
    }),
    'The newest twenty.',
  ),
});
const partnerRequired = [
  'issuer',
  'name',
  'state',
  'type',
  'jurisdictions',
  'fingerprint',
  'spokenFingerprint',
  'addedAt',
  'foreign',
  'local',
  'keySet',
];

const problem = published('problem.schema.json');
const refusal = (problem.properties as { errors: { items: Schema } }).errors.items;

/** Components of the API description by name; routes refer to them as `NAME#`. */
export const components: Readonly<Record<string, Schema>> = {
  Submission: published('submission.schema.json'),
  Reference: referenceView(),
  Decision: closed('Why something was sent to a partner, or not.', decided, decision),
  StoredDecision: closed('A stored decision.', [...decided, 'direction', 'revision', 'decidedAt'], {
    ...decision,
    direction: { type: 'string', enum: ['in', 'out'], description: 'Ours to take, or ours to send.' },
    revision: count('Revision that it was made for.'),
    decidedAt: instant('When.'),
    decidedBy: text('The operator who decided by hand.'),
  }),
  Duplicate: duplicate,
  DuplicateAnswer: duplicateAnswer,
  Normalised: normalised,
  Delivery: delivery,
  Call: call,
  Event: event,
  Partner: closed('A partner; its policy is not shown here.', partnerRequired, partnerMembers),
  PartnerDetail: closed(
    'A partner with its keys; its policy is not shown here.',
    [...partnerRequired, 'keys', 'suspect'],
    {
      ...partnerMembers,
      keys: list(partnerKey, 'Keys, those that no longer count included.'),
      replacement,
      suspect,
    },
  ),
  BatchResult: closed('What became of one line of a batch.', ['line', 'status'], {
    line: {
      type: 'integer',
      minimum: 1,
      description: 'Number of the line, from 1; empty lines count and have no result.',
    },
    status: { type: 'integer', description: 'HTTP status that the line alone would have had.' },
    id: uuid('Id of the reference.'),
    effects: closed('How many partners each outcome was decided for.', ['send', 'hold', 'withhold'], {
      send: count('It goes to them.'),
      hold: count('A person has to decide.'),
      withhold: count('It does not go to them.'),
    }),
    duplicates: count('How many stored references have the same address, or the same but for its fragment.'),
    duplicateAnswer: { ...duplicateMatch, enum: ['known', 'possible', 'related', 'new'] },
    code: text('Code of the first refusal.'),
    errors: list(refusal, 'Every refusal found.'),
  }),
  ...caseComponents,
  Problem: problem,
};
