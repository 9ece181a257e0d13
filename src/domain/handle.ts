import { codes } from './codes.ts';
import type { Handle } from './contract.types.ts';
import { looksLikeDigest } from './guard/digest.ts';
import { isJurisdiction } from './jurisdiction.ts';
import { type Refusal, refuse } from './refusal.ts';

const listed: ReadonlySet<string> = new Set(codes.handleSystem);
const policeSystems = new Set(['icse', 'siena', 'i247']);
const NATIONAL = 'national:';

/** Letters of any script with their marks, digits, `. _ : / # -`, single spaces between. */
const opaqueId = /^[\p{L}\p{M}\p{Nd}._:/#-]+(?: [\p{L}\p{M}\p{Nd}._:/#-]+)*$/u;
const LONGEST = 64;
const bareUuid = /^\{?[0-9a-f]{32}\}?$/i;

/**
 * A handle: an opaque case number in a known system. Refuses a digest (`fingerprint-refused`) and what is not an id of 1 to 64
 * characters or not a known system (`handle-invalid`). With `open` codes, the wire's rule, an unknown system passes.
 */
export function checkHandle(handle: Handle, at: string, lists: 'listed' | 'open' = 'listed'): Refusal | undefined {
  return checkSystem(handle.system, `${at}/system`, lists) ?? checkId(handle.id, `${at}/id`);
}

/** Systems of police: their numbers are set by police and leave to police only, whatever a policy says. */
export function isPoliceHandle(system: string): boolean {
  return policeSystems.has(system) || system.startsWith(NATIONAL);
}

/** True for police systems, and for those that this node does not know: they may be police systems of a newer list. */
export function leavesToPoliceOnly(system: string): boolean {
  return isPoliceHandle(system) || !listed.has(system);
}

function checkSystem(system: string, at: string, lists: 'listed' | 'open'): Refusal | undefined {
  if (system.startsWith(NATIONAL)) {
    const place = system.slice(NATIONAL.length);
    if (isJurisdiction(place) && !['XX', 'XO', 'unknown'].includes(place)) return undefined;
    return refuse(
      'handle-invalid',
      at,
      'The system names no country.',
      'Write national: and the code of a country in upper case.',
    );
  }
  if (lists === 'open' || listed.has(system)) return undefined;
  return refuse(
    'handle-invalid',
    at,
    'The system is not in the code list.',
    'Use a code of schemas/codes/handle-system.json, or "own".',
  );
}

function checkId(id: string, at: string): Refusal | undefined {
  if (bareUuid.test(id))
    return refuse(
      'fingerprint-refused',
      at,
      'The handle looks like a digest.',
      'If it is a UUID, write it with its hyphens.',
    );
  if (looksLikeDigest(id)) return refuse('fingerprint-refused', at);
  if ([...id].length <= LONGEST && opaqueId.test(id)) return undefined;
  return refuse('handle-invalid', at);
}
