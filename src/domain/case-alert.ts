/** What a person has to look at in the life of a reference; see `alerts`. */
export const caseAlerts = {
  'hold-ending': {
    says: 'A hold ends within three days: after that the host may be told.',
    next: 'Ask the desk whether it places it again: caseref reference show SUBJECT',
    each: true,
  },
  'hold-review-due': {
    says: 'The review date of a hold has come.',
    next: 'Ask the desk whether it still needs it: caseref reference show SUBJECT',
    each: true,
  },
  'clearance-due': {
    says: 'Clearance was asked, and its deadline is near.',
    next: 'Answer it, or remind the desk that was asked: caseref reference show SUBJECT',
    each: true,
  },
  'clearance-overdue': {
    says: 'Clearance was asked and nobody answered in time: nothing goes to the host before it is answered.',
    next: 'Call the desk that was asked: caseref reference show SUBJECT',
    urgent: true,
    each: true,
  },
  'clearance-lapsed': {
    says: 'Clearance was asked and nobody answered in time: the host is told, as was agreed with the desk.',
    next: 'Tell the desk that was asked: caseref reference show SUBJECT',
    each: true,
  },
  'handover-unanswered': {
    says: 'A hand-over was not answered or not confirmed in time: the pen has not moved.',
    next: 'Call the other side, then offer it again: caseref reference show SUBJECT',
    each: true,
  },
  'case-unplaced': {
    says: 'A reference was handed over and returned twice: nobody has it.',
    next: 'Find who takes it, or act on it: caseref reference show SUBJECT',
    urgent: true,
    each: true,
  },
  'pen-conflict': {
    says: 'Several organisations hold the pen of one reference.',
    next: 'Agree with the other one who acts: caseref reference show SUBJECT',
    urgent: true,
    each: true,
  },
  'address-held-twice': {
    says: 'We hold the pen for an address that another organisation holds too, each by a reference of its own.',
    next: 'Agree with the other one who acts: caseref reference show SUBJECT',
    each: true,
  },
  'case-conflict': {
    says: 'What was said about a reference contradicts itself.',
    next: 'See who says what, and call them: caseref reference show SUBJECT',
    each: true,
  },
} as const;
