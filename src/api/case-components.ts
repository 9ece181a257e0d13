import { hostNotices } from '../domain/authority/notice.ts';
import { conflictKinds } from '../domain/authority/state.ts';
import { type CaseEventName, caseEventNames } from '../domain/message.ts';
import { timelineEvents } from '../exchange/case/case-view.ts';
import { untoldCodes } from '../exchange/case/recipients.ts';
import { published, type Schema } from './published.ts';
import { closed, count, flag, format, instant, issuer, list, oneOf, text, uuid } from './shapes.ts';

/** What bodies about a case are made of. */

const toldBy = published('told-by.schema.json');

const voice: Readonly<Record<string, Schema>> = {
  by: issuer('The organisation that says it.'),
  via: issuer('The originator, where it relayed what another said.'),
  toldBy: { ...toldBy, description: 'A party without a node: BY states that UNIT said it.' },
  said: instant('When it was said; absent for what stands in the reference itself.'),
  receivedAt: instant('When this node took it down.'),
  unknown: list(text('JSON pointer.'), 'Members whose code is in none of this node’s lists: kept as it came.'),
};

/** The members of an event’s payload, without what `voice` says. */
function payloadOf(event: string): Record<string, Schema> {
  const { toldBy: _, by: __, ...members } = published(`${event}.schema.json`).properties as Record<string, Schema>;
  return members;
}

/** A statement as it is shown: who says it, and what. */
function statement(description: string, event: string, required: readonly string[]): Schema {
  return closed(description, ['by', ...required], { ...voice, ...payloadOf(event) });
}

const desk = closed('Whom to call.', ['by'], {
  by: issuer('The organisation.'),
  unit: text('The unit that told it, where that runs no node.'),
  contact: published('peer-card.schema.json#/$defs/Contact'),
});

const hold = closed(
  'A hold, ended ones too.',
  ['desk', 'binding', 'inForce', 'since', 'until', 'lateRefusal', 'audience'],
  {
    desk,
    binding: flag('Whether it stops what would go to the host, or only advises.'),
    inForce: flag('Whether it is in force now.'),
    since: instant('When it was placed.'),
    until: instant('When it ended, or ends by itself.'),
    review: instant('When its desk wants to review it.'),
    ground: format('code', 'Why: code of hold-ground.json.'),
    authority: format('code', 'Whose order: code of hold-authority.json.'),
    lateRefusal: flag('A clearance that was refused late or unasked, which acts as a hold.'),
    audience: list(issuer('Organisation.'), 'Who knows of it, as far as this node knows.'),
  },
);

/** Members of a reference’s history that its case has. */
export const caseHistory: Readonly<Record<string, Schema>> = {
  assessments: list(
    statement('A claim.', 'assessed', ['scheme', 'version', 'code', 'method', 'at']),
    'Claims, side by side: none outvotes another.',
  ),
  actions: list(
    statement('An action.', 'acted', ['action', 'at', 'standing']),
    'Actions in the order in which they were said.',
  ),
  holds: list(hold, 'Holds in the order in which they began. They are for those named in audience and nobody else.'),
};

const sighting = {
  at: instant('When.'),
  by: issuer('By whom.'),
};

const offer = closed('A hand-over under way.', ['from', 'to', 'state', 'offeredAt', 'until'], {
  from: issuer('Who gives.'),
  to: issuer('Who is to get it.'),
  state: oneOf(['offered', 'accepted', 'declined', 'confirmed', 'returned', 'lapsed'], 'How far it has come.'),
  offeredAt: instant('When it was offered.'),
  acceptedAt: instant('When it was accepted.'),
  until: instant('Until when it waits for its answer, or for its confirmation.'),
});

const pen = closed('Who decides the outcome.', ['holders', 'offers', 'unplaced', 'returns'], {
  holders: list(issuer('Organisation.'), 'Who holds the pen: one, but for a pen-conflict.'),
  offers: list(offer, 'Hand-overs under way.'),
  unplaced: flag('Returned twice and taken by nobody since.'),
  returns: count('How often it was returned.'),
});

const clearance = closed('Whether law enforcement was asked, and what it said.', ['status', 'late', 'contradicted'], {
  status: oneOf(['none', 'open', 'granted', 'refused', 'timed-out'], 'What it has come to.'),
  firstAskedAt: instant('When it was asked first.'),
  askedAt: instant('When it was asked last.'),
  deadline: instant('Until when an answer was asked for.'),
  answeredAt: instant('When it was answered.'),
  answeredBy: desk,
  late: flag('Granted after the deadline.'),
  contradicted: flag('One desk granted and another refused.'),
  goneBefore: instant('When it was gone although clearance had been asked and not given.'),
});

const waiting = closed('One recipient of an emergency.', ['recipient', 'state', 'since'], {
  recipient: issuer('The recipient.'),
  state: oneOf(['acknowledged', 'waiting', 'overdue'], 'Whether a person there has it.'),
  since: instant('When it got there.'),
  contact: published('peer-card.schema.json#/$defs/Contact'),
});

const entry = closed('One entry of the timeline.', ['at', 'event', 'status'], {
  ...voice,
  at: instant('When it happened; where only that is known, when it was said.'),
  event: oneOf(timelineEvents, 'What happened; the list grows.'),
  status: oneOf(['taken', 'waiting', 'refused', 'suspect'], 'Only what is taken counts.'),
  code: text('Why it waits or was refused.'),
  content: closed('What was said.', [], Object.assign({}, ...caseEventNames.map(contentOf)) as Record<string, Schema>),
  told: list(issuer('Organisation.'), 'Whom this node told it.'),
  to: issuer('To whom.'),
  revision: count('Revision of the reference.'),
});

/** One payload’s members for a place where any of them may stand: what differs between events is only what it may be. */
function contentOf(event: string): Record<string, Schema> {
  const members = Object.entries(payloadOf(event));
  return Object.fromEntries(
    members.map(([name, { type, enum: _, description: __, ...rest }]) => [
      name,
      type === 'object' ? { type, ...rest } : text(`Member "${name}" of the event.`),
    ]),
  );
}

/** Name of the component that is an event’s body. */
export function bodyName(event: CaseEventName): string {
  return `${event.charAt(0).toUpperCase()}${event.slice(1)}`;
}

/** Components of the API description. */
export const caseComponents: Readonly<Record<string, Schema>> = {
  ...Object.fromEntries(caseEventNames.map((event) => [bodyName(event), published(`${event}.schema.json`)])),
  Case: closed(
    'Where the case of a reference stands now. Absent where nothing of it may be shown. It carries no address.',
    [...['pen', 'clearance', 'feedback', 'acknowledgements', 'urgency', 'host', 'outcomes', 'conflicts', 'timeline']],
    {
      pen,
      clearance,
      feedback: list(statement('An outcome that was told back.', 'feedback', ['code']), 'Feedback.'),
      acknowledgements: list(statement('A person has it.', 'acknowledged', ['at']), 'Acknowledgements.'),
      urgency: closed('How urgent it counts here. Call first: none of this replaces the call.', ['level'], {
        level: format('code', 'Level.'),
        code: format('code', 'Why.'),
        acknowledgement: list(waiting, 'Of an emergency, who has it.'),
      }),
      host: closed('Whether the host may be told now.', ['notice', 'reason'], {
        notice: oneOf(['may', 'must-not', 'after-clearance'], 'The word of the marking, as it stands now.'),
        reason: oneOf(hostNotices, 'Why; clear where it may.'),
      }),
      outcomes: list(
        closed('An outcome, or the reappearance that undid it.', ['action', 'at', 'by'], {
          action: format('code', 'Action.'),
          ...sighting,
        }),
        'Removed, reappeared, removed: nothing of it is overwritten.',
      ),
      lastSeenOnline: closed('When it was last seen online.', ['at', 'by'], sighting),
      conflicts: list(
        closed('What people must sort out between them.', ['kind', 'between'], {
          kind: oneOf(conflictKinds, 'What it is.'),
          between: list(issuer('Organisation.'), 'Between whom.'),
        }),
        'Conflicts; nothing of them was decided silently.',
      ),
      timeline: list(entry, 'Everything that happened, in the order in which it happened.'),
    },
  ),
  Recorded: closed('What was recorded, and who is told.', ['originator', 'id', 'event', 'said', 'recipients'], {
    originator: issuer('Issuer of the originator of the reference.'),
    id: uuid('Id of the reference.'),
    event: oneOf(caseEventNames, 'Event of the protocol.'),
    said: instant('When it was said.'),
    pending: flag('True where a second person has to confirm it first; nobody is told before.'),
    recipients: list(
      closed('What becomes of it for one partner.', ['partner', 'state'], {
        partner: issuer('The partner.'),
        state: oneOf(['queued', 'waiting', 'not-told'], 'On its way, waiting for the partner’s return, or not told.'),
        code: oneOf(untoldCodes, 'Why it is not told, or not now.'),
      }),
      'Everybody who has the reference.',
    ),
    linked: list(
      closed(
        'Another reference to the same address of which the same was said, as observed.',
        ['originator', 'id', 'told'],
        {
          originator: issuer('Issuer of its originator.'),
          id: uuid('Its id at the originator.'),
          told: list(issuer('Partner.'), 'Who is told.'),
          code: text('Why it was not said of this one.'),
        },
      ),
      'Of a report of fact: the other references to the same address.',
    ),
  }),
};
