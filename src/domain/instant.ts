const instant = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;
const date = /^(\d{4})-(\d\d)-(\d\d)$/;

/** The last moment that a Date can hold (ECMA-262, time values). */
const LAST = 8.64e15;

/** True for a real instant written `YYYY-MM-DDThh:mm:ssZ` (RFC 3339 in UTC, whole seconds, no leap second). */
export function isInstant(text: string): boolean {
  return instant.test(text) && isoInstant(Date.parse(text)) === text;
}

/** True for a date of the calendar written `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  return date.test(text) && isoInstant(Date.parse(`${text}T00:00:00Z`)).startsWith(text);
}

/** Milliseconds since 1970 as an instant of the wire, the fraction of a second cut off; '' for what is no time. */
export function isoInstant(milliseconds: number): string {
  return Math.abs(milliseconds) <= LAST ? `${new Date(milliseconds).toISOString().slice(0, 19)}Z` : '';
}
