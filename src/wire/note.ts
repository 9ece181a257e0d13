import { parse } from 'tldts';
import { codes } from '../domain/codes.ts';
import { guard } from '../domain/guard.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';

/** Top-level names that no registry has and that texts of tests and examples use all the same (RFC 2606, RFC 7686). */
const reserved = /\.(?:example|test|invalid|localhost|onion|i2p)$/;
const address = /\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/;
const hostLike = /[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu;
const systems = codes.handleSystem.filter((system) => system !== 'own' && system !== 'unknown').join('|');
const handle = new RegExp(`\\b(?:${systems})\\b[\\s:#/-]*(?:(?:no|nr|id|case|report)\\b[\\s.:#]*)?\\d{2,}`, 'i');

/**
 * Looks at free texts of operators by member (a reason, who compared, a legal basis). They are kept and shown to clients
 * that may see no address, so that beside what the guard refuses everywhere no address, host or handle may stand in them:
 * `usage-invalid` with the member as pointer. It stops mistakes; a word that is spelled out passes.
 */
export function checkNotes(notes: Readonly<Record<string, string | undefined>>, at = ''): Refusal | undefined {
  const guarded = guard(notes, { form: 'policy', at });
  if (guarded) return guarded;
  for (const [member, text] of Object.entries(notes)) {
    const found = text === undefined ? undefined : sensitiveIn(text);
    if (found === undefined) continue;
    const message = `${found} stands in this text, which is shown to clients that may see none.`;
    return refuse('usage-invalid', `${at}/${member}`, message, 'Say it without; a partner is named by its name.');
  }
  return undefined;
}

function sensitiveIn(text: string): string | undefined {
  const plain = text.normalize('NFKC').toLowerCase();
  if (plain.includes('://') || /\bwww\./.test(plain) || address.test(plain)) return 'An address';
  for (const [word] of plain.matchAll(hostLike)) if (isHost(word)) return 'An address, or a host,';
  return handle.test(plain) ? 'A case number of a known system' : undefined;
}

/** A registry's suffix makes a host of a word with dots; `z.B`, `No.4` and `a.smith` have none. */
function isHost(word: string): boolean {
  return reserved.test(word) || (parse(word).isIcann ?? false);
}
