/** Why a person gives a message up; the code stands in the outbox, in the feed and nowhere on the wire. */
export const dropReasons = [
  'told-otherwise',
  'no-longer-needed',
  'sent-in-error',
  'duplicate',
  'recipient-gone',
  'undeliverable',
  'other',
] as const;

export type DropReason = (typeof dropReasons)[number];
