/**
 * Names of members that a pointer may repeat: words as contracts and the conditions of policies use them. What reads like a
 * number of somebody, a host or an address was put there by mistake, and a pointer is stored, logged and sent.
 */
const word =
  /^(?!.*\d{4})(?:(?:jurisdiction|assessment|site|urgency|marking|partner)\.)?[A-Za-z_$][A-Za-z0-9_$~/-]{0,39}$/;

/** True when a pointer may name this member; of any other the parent is shown. */
export function isShownName(name: string): boolean {
  return word.test(name);
}
