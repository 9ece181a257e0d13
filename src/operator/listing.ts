import { text, wholeNumber } from './members.ts';

/** Entries of a page. */
export const limit = wholeNumber(1, 500);
/** Where to go on, as the page before said it. */
export const cursor = text(600);
/** An issuer as it is compared: whole and exact. */
export const issuer = text(300);
/** Entries of a page when no limit is given. */
export const PAGE = 50;
