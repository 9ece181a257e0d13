import { caseAlerts } from './case-alert.ts';

/** What a person is told of an alert: what happened, what to do, whether it waits for daylight, and whether each case counts by itself. */
interface AlertMeaning {
  readonly says: string;
  /** The next step; PARTNER stands for the partner and SUBJECT for the reference or message. */
  readonly next: string;
  readonly urgent?: true;
  /** One alert for each subject instead of one for each partner: a second emergency is not news of the first. */
  readonly each?: true;
  /** After it was closed the same thing stays quiet for this long, in hours. */
  readonly quietHours?: number;
}

/** Every alert there is, by a stable code; the list only grows and no code changes its meaning. */
export const alerts = {
  'emergency-arrived': {
    says: 'An emergency of a partner has arrived: a person has to take it in hand.',
    next: 'Act on it, and say that a person has it, which closes this alert: caseref reference show SUBJECT',
    urgent: true,
    each: true,
    quietHours: 24 * 30,
  },
  'emergency-held': {
    says: 'An emergency waits here for a decision: nobody has acted on it.',
    next: 'Call the other side first, then look: caseref reference show SUBJECT',
    urgent: true,
    each: true,
  },
  'emergency-held-there': {
    says: 'The partner holds an emergency of ours: nobody there has acted on it.',
    next: 'Call the emergency number of the partner: caseref partner show PARTNER',
    urgent: true,
    each: true,
  },
  'emergencies-exceeded': {
    says: 'The partner raised more emergencies today than its policy takes: the rest is shown as priority.',
    next: 'Look at each, then call the partner: caseref reference list --urgency priority --partner PARTNER',
    urgent: true,
  },
  'holds-exceeded': {
    says: 'The partner placed more holds today than its policy takes: the rest waits, and nothing is held by it.',
    next: 'Call the desk; raise receive.holdsPerDay if they are meant: caseref policy show PARTNER',
    urgent: true,
  },
  'quota-exceeded': {
    says: 'The partner sent more references today than its policy takes: the rest is put off until tomorrow, unseen.',
    next: 'Ask the partner what it sends, or raise receive.perDay: caseref policy show PARTNER',
    quietHours: 12,
  },
  'emergency-refused': {
    says: 'The partner refused an emergency of ours.',
    next: 'Call the emergency number of the partner: caseref partner show PARTNER',
    urgent: true,
    each: true,
  },
  'emergency-refused-here': {
    says: 'Our policy refused an emergency of the partner; its content was not kept.',
    next: 'Call the partner and ask what it was: caseref partner show PARTNER',
    urgent: true,
    each: true,
  },
  'emergency-undelivered': {
    says: 'An emergency could not be delivered.',
    next: 'Call the emergency number of the partner, do not wait for the line: caseref partner show PARTNER',
    urgent: true,
    each: true,
    quietHours: 1,
  },
  'emergency-unacknowledged': {
    says: 'No person has acknowledged an emergency in time.',
    next: 'Call: make sure that somebody acts. An acknowledgement closes this alert by itself: caseref reference show SUBJECT',
    urgent: true,
    each: true,
    quietHours: 24 * 30,
  },
  ...caseAlerts,
  'message-conflict': {
    says: 'The partner signed two different messages under one id: its software is broken, or somebody else has its key.',
    next: 'Call the partner on a known number; both digests stand in: caseref events',
    urgent: true,
  },
  'key-set-fork': {
    says: 'The partner’s identity key signed two different key sets with one number: somebody else may have that key.',
    next: 'Call the partner on a known number before you trust its messages: caseref partner show PARTNER',
    urgent: true,
  },
  'key-set-rolled-back': {
    says: 'Somebody sent an older key set of the partner: it restored a backup, or somebody replays what was revoked.',
    next: 'Ask the partner whether it restored a backup: caseref partner show PARTNER',
    urgent: true,
  },
  'key-shared': {
    says: 'Two partners publish the same key: one of them has the other’s private key, or both run one installation.',
    next: 'Call both on known numbers: caseref partner show PARTNER',
    urgent: true,
  },
  'identity-changed': {
    says: 'A card with another identity key came for a known partner: it lost its key, or somebody else pretends to be it.',
    next: 'Call the partner on a number that you had before: caseref partner show PARTNER',
    urgent: true,
  },
  'identity-shared': {
    says: 'A card of another issuer came with the identity key of this partner: one of the two is not who it says.',
    next: 'Call the partner on a known number; the other card was not taken: caseref partner show PARTNER',
    urgent: true,
  },
  'identity-unknown': {
    says: 'The partner signs its key set with another identity than the pinned one: it lost its key, or somebody has its host.',
    next: 'Call it on a number that you had before, and ask for its new card: caseref partner show PARTNER',
    urgent: true,
  },
  'messages-suspect': {
    says: 'A key or the identity of the partner was in other hands: what came by it since may be somebody else’s.',
    next: 'See how many and since when; they clear as the partner says them again, until then look at each: caseref partner show PARTNER',
    urgent: true,
  },
  'purge-suspect': {
    says: 'A reference was erased here on a withdrawal that a lost key of the partner signed.',
    next: 'Ask the partner whether it withdrew SUBJECT; if not, let it send it again: caseref partner show PARTNER',
    urgent: true,
  },
  'key-set-stale': {
    says: 'The key set of the partner could not be asked for in seven days: a revocation would not be noticed.',
    next: 'caseref partner check PARTNER',
    quietHours: 24 * 7,
  },
  'key-set-invalid': {
    says: 'The partner signed a key set that breaks the rules; it was not taken, and what it changed is not known here.',
    next: 'Ask its operator to publish it again: caseref partner show PARTNER',
  },
  'key-exposed': {
    says: 'The partner signed a key set with a private key in it: whoever saw it can sign in its name.',
    next: 'Call the partner: that key must be revoked. caseref partner show PARTNER',
    urgent: true,
  },
  'key-unrevoked': {
    says: 'The partner lists a key as good that it had revoked: the key stays revoked here.',
    next: 'Call the partner: it restored a backup, or somebody else has its identity key. caseref partner show PARTNER',
    urgent: true,
  },
  'endpoint-elsewhere': {
    says: 'The partner now takes messages at another host than its own: a gateway, or somebody with its identity key.',
    next: 'Ask the partner on a known number whether that host is its own: caseref partner show PARTNER',
    urgent: true,
  },
  'key-unpublished': {
    says: 'Messages wait here: no key of ours that partners were told of began before they were written.',
    next: 'caseref keys publish, or from where the identity key is: caseref keys export-public FILE',
    urgent: true,
  },
  'key-set-behind': {
    says: 'The key set that we published is older than our keys: partners trust a key that is revoked, or do not know one that signs.',
    next: 'caseref keys publish; where the identity key is elsewhere: caseref keys publish --identity FILE, or caseref keys export-public FILE',
    urgent: true,
    quietHours: 1,
  },
  'key-file-behind': {
    says: 'Our key file is older than the key set that we published: what it signs with may be revoked, and nothing is published by itself.',
    next: 'Bring the newest keys/node.key back. If it is lost, revoke what was revoked again, then: caseref keys publish',
    urgent: true,
    quietHours: 1,
  },
  'key-ended': {
    says: 'Every key of ours that signs messages has ended: nothing can be sent.',
    next: 'caseref keys rotate, then caseref keys activate KID --reason TEXT',
    urgent: true,
  },
  'key-ending': {
    says: 'A key of ours in use ends within 45 days.',
    next: 'caseref keys rotate; for the encryption key: caseref keys rotate --use enc',
    quietHours: 24 * 7,
  },
  'encryption-key-missing': {
    says: 'The partner publishes no current encryption key: what must be encrypted waits here.',
    next: 'Ask its operator to publish one: caseref partner show PARTNER',
    urgent: true,
  },
  'algorithm-not-shared': {
    says: 'The partner verifies no algorithm that a key of ours signs with: everything for it waits here.',
    next: 'Make a key with one that it names: caseref partner show PARTNER, then caseref keys rotate --alg ALGORITHM',
    urgent: true,
  },
  'receipt-mismatched': {
    says: 'The partner signed a receipt that fits no message of ours.',
    next: 'Ask the partner for its log of that message: caseref events',
    urgent: true,
  },
  'purge-overdue': {
    says: 'Something withdrawn is not erased in time.',
    next: 'Look why: caseref reference show SUBJECT',
    urgent: true,
    quietHours: 24,
  },
  'withdrawals-held': {
    says: 'The partner withdraws more than its policy allows: these withdrawals wait, neither sealed nor erased.',
    next: 'Ask the partner whether it meant all of them, then decide: caseref reference held',
    urgent: true,
  },
  'decisions-overdue': {
    says: 'Decisions have waited for a person for more than a day: nothing goes, and nothing is taken, before they are made.',
    next: 'Look at them, the oldest first: caseref reference held --partner PARTNER',
    quietHours: 24,
  },
  'held-there': {
    says: 'The partner has, or may have, references of ours that policy keeps waiting for a person by now: nothing asked for them back.',
    next: 'Let them stay, or see how many and take them back (it shows them and asks first): caseref reference withdraw --partner PARTNER --no-longer-allowed --reason CODE',
    quietHours: 1,
  },
  'dead-letter': {
    says: 'Messages to the partner were given up: they did not arrive and are not tried again.',
    next: 'caseref delivery list --state dead --partner PARTNER',
  },
  'receipt-overdue': {
    says: 'The partner took messages and signed no receipt for them in time: there is no evidence that it has them.',
    next: 'caseref delivery list --state overdue --partner PARTNER',
  },
  'receipt-refused': {
    says: 'The partner refused messages of ours.',
    next: 'See the code and mend the reference or agree with the partner: caseref delivery list --partner PARTNER',
  },
  'receipts-contradict': {
    says: 'The partner signed of one message both that it refused it and that it took it: it counts as one that may have it.',
    next: 'Did it restore a backup? Ask its operator what it has (caseref partner show PARTNER), then see: caseref reference show SUBJECT',
  },
  'state-lost': {
    says: 'This node lost what it had sent to or taken from the partner, or the partner says so: references to it wait until what is missing has come.',
    next: 'Mostly it mends itself; a partner that only polls is waited for, a day at most. See how far it is: caseref reconcile PARTNER; to show before that what is closed: caseref reconcile PARTNER --open --yes',
    urgent: true,
  },
  'emergency-veiled': {
    says: 'An emergency came from the partner while its references are closed here after a loss of state: nobody sees it.',
    next: 'Call the partner first. To see it before everything is in: caseref reconcile PARTNER --open --yes',
    urgent: true,
    each: true,
  },
  'withdrawn-before-loss': {
    says: 'The partner answered a withdrawal of ours that this store does not know: it was taken back in the time that was lost. It is closed here, and what waits of it for others waits.',
    next: 'Look it up in your own system. Where it was withdrawn: caseref reference withdraw SUBJECT --reason CODE; where not: caseref reconcile PARTNER --lift --yes',
    urgent: true,
    each: true,
  },
  'sequence-gap': {
    says: 'Numbers are missing for more than two hours in what the partner sends: a partner that can is asked for them by itself.',
    next: 'If this stays for some hours, or the partner cannot replay, telephone it: its outbox for us has what is missing. caseref partner show PARTNER',
  },
  'replay-too-old': {
    says: 'The partner keeps what is missing no longer: these messages are lost, and nobody sends them again.',
    next: 'Compare with the partner what it shared with us, and ask it to revise what is missing: caseref partner show PARTNER',
    urgent: true,
  },
  'partner-state-lost': {
    says: 'The partner does not know numbers that it gave: it lost what it had sent, and cannot send it again.',
    next: 'Ask the partner whether it restored a backup, then compare with it: caseref reconcile PARTNER',
    urgent: true,
  },
  'sequence-reused': {
    says: 'The partner gave a number to two different messages: its state was put back to an older one, or somebody else signs. It may not have noticed.',
    next: 'Telephone the partner (caseref partner show PARTNER). Did it restore a backup? Its operator then declares it: caseref reconcile ISSUER --restored --yes (ISSUER is our address)',
    urgent: true,
  },
  'sequence-jump': {
    says: 'The partner’s numbering jumped by more than 100,000: its state may be lost or forged.',
    next: 'Ask the partner whether it restored a backup: caseref partner show PARTNER',
    urgent: true,
  },
  'epochs-exceeded': {
    says: 'The partner has begun its numbering anew so often that the newest of it is not watched: holes in it are not seen.',
    next: 'Suspend it until its operator has found the cause: caseref partner suspend PARTNER --reason TEXT',
    urgent: true,
    quietHours: 24,
  },
  'witness-unusable': {
    says: 'The file that tells whether the store was put back to an older state could not be read: it was set aside as witness.json.unusable-*, and a loss from before is not seen.',
    next: 'Was the store restored from a backup? Then: caseref reconcile --all --restored --yes. If not, close this alert.',
    urgent: true,
  },
  'epoch-changed-again': {
    says: 'The partner began its numbering anew for the second time within a day.',
    next: 'Telephone the partner (caseref partner show PARTNER). Did it restore a backup each time? Then compare once: caseref reconcile PARTNER. If not, somebody else may have its key: caseref partner suspend PARTNER --reason TEXT, and its operator looks for the cause',
    urgent: true,
  },
} as const satisfies Record<string, AlertMeaning>;

export type AlertCode = keyof typeof alerts;

/** Something that a person has to look at: codes and identifiers, never an address or a handle. */
export interface AlertCause {
  readonly code: AlertCode;
  readonly partner?: string | undefined;
  /** Id of the reference, or the jti of the message. */
  readonly subject?: string | undefined;
  /** Whose reference it is, where the subject is one. */
  readonly originator?: string | undefined;
}

/** Whether a stored text is the code of an alert that this release knows. */
export function isAlertCode(code: string): code is AlertCode {
  return Object.hasOwn(alerts, code);
}

/** What the code means; a code of a newer release says that it is unknown. */
export function alertMeaning(code: string): AlertMeaning {
  return isAlertCode(code) ? alerts[code] : { says: `An alert that this release does not know (${code}).`, next: '' };
}

/** The next step with the partner and the subject in their places. */
export function alertNext({ code, partner, subject }: { code: string; partner?: string; subject?: string }): string {
  return alertMeaning(code)
    .next.replaceAll('PARTNER', () => partner ?? 'ISSUER')
    .replaceAll('SUBJECT', () => subject ?? 'ID');
}

/** An entry of the feed, as far as alerts look at it. */
interface Happened {
  readonly type: string;
  readonly partner?: string | undefined;
  readonly originator?: string | undefined;
  readonly reference?: string | undefined;
  readonly jti?: string | undefined;
  readonly code?: string | undefined;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
}

const always: Readonly<Record<string, AlertCode>> = {
  'delivery.dead': 'dead-letter',
  'delivery.overdue': 'receipt-overdue',
  'receipt.mismatched': 'receipt-mismatched',
  'message.conflict': 'message-conflict',
  'withdrawal.held': 'withdrawals-held',
};

const inEmergency: Readonly<Record<string, AlertCode>> = {
  'decision.held': 'emergency-held',
  'delivery.refused': 'emergency-refused',
  'message.refused': 'emergency-refused-here',
};

const keySetAlerts: Readonly<Record<string, AlertCode>> = {
  'key-set-fork': 'key-set-fork',
  'seq-below-floor': 'key-set-rolled-back',
  'private-member': 'key-exposed',
  'kid-duplicate': 'key-set-invalid',
  'kid-not-thumbprint': 'key-set-invalid',
  'key-malformed': 'key-set-invalid',
  'key-is-identity': 'key-set-invalid',
  'revoked-before-nbf': 'key-set-invalid',
  'endpoint-insecure': 'key-set-invalid',
  'claims-invalid': 'key-set-invalid',
  'exp-too-far': 'key-set-invalid',
  'seq-ahead': 'key-set-invalid',
};

function codesOf({ type, code, body }: Happened): readonly (AlertCode | undefined)[] {
  if (type === 'key-set.refused') return [keySetAlerts[code ?? '']];
  if (type === 'case.held') return [code === 'rate-exceeded' ? 'holds-exceeded' : undefined];
  const plain = type === 'delivery.refused' ? 'receipt-refused' : always[type];
  if (body?.stated === 'emergency') return ['emergencies-exceeded'];
  if (body?.urgency !== 'emergency') return [plain];
  if (type === 'reference.received' || type === 'reference.revised') {
    return [body.state === 'held' ? 'emergency-held' : 'emergency-arrived'];
  }
  if (type === 'delivery.receipted') return [body.outcome === 'held' ? 'emergency-held-there' : undefined];
  return [inEmergency[type] ?? plain];
}

/** What a person must be told because this happened: whatever is written into the feed is looked at here, once. */
export function alertsOf(event: Happened): AlertCause[] {
  return codesOf(event)
    .filter((code) => code !== undefined)
    .map((code) => ({
      code,
      partner: event.partner,
      subject: event.reference ?? event.jti,
      originator: event.reference === undefined ? undefined : event.originator,
    }));
}
