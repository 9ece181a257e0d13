const DAY = 24 * 60 * 60;

/** How often partners look for a newer key set, in seconds: what the key set itself says. */
export const REFRESH_SECONDS = 3600;

/** A key begins this long after it was made: every partner has asked three times for the key set that names it. */
export const AHEAD_SECONDS = 3 * REFRESH_SECONDS;

/**
 * Seconds from the replacement of a key to the destruction of its private part. A message that was numbered under the old
 * signing key is signed within one refresh; partners may encrypt to the old one for as long as they go without a refresh.
 */
export const RETIRE_AFTER = { sig: REFRESH_SECONDS, enc: 14 * DAY } as const;

/**
 * Seconds for which the public part of a retired key stays: what it signed is sent again, asked for again and attested for
 * the horizon of 90 days, and clocks and publications are late by some days.
 */
export const PUBLIC_FOR = 100 * DAY;

/** Life of a key set and of a peer card; the protocol allows 100 days and 30. */
export const KEY_SET_LIFE = 90 * DAY;
export const CARD_LIFE = 30 * DAY;

/** Age of what is signed, sent again or attested, at most (protocol, "Identifiers and formats"). */
export const HORIZON = 90 * DAY;
