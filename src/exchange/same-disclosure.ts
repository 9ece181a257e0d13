import type { SendInput } from '../domain/decision.ts';
import { redact } from '../domain/redact.ts';
import { documentDigest } from '../wire/approval.ts';
import type { PartnerEntry } from './directory.ts';

/** The reference that a token of ours carries, without what only ties it to the one before; undefined where it carries none. */
function carried(compact: string): { readonly content: object; readonly at: number } | undefined {
  const text = Buffer.from(compact.split('.')[1] ?? '', 'base64url').toString('utf8');
  const claims = JSON.parse(text) as { iat: number; events: Record<string, Record<string, unknown>> };
  const [payload] = Object.values(claims.events);
  if (!payload) return undefined;
  const { supersedes: _, ...content } = payload;
  return { content, at: claims.iat * 1000 };
}

/**
 * Whether signed bytes say exactly what the policy and the partner's recorded facts of today let be said: a message that
 * waits must not carry what was taken out of the policy since. Redacted for the instant of its signature, so that ends of
 * retention compare.
 */
export function saysTheSame(
  compact: string,
  {
    reference,
    decision,
    partner,
    notice,
  }: {
    readonly reference: SendInput['reference'];
    readonly decision: Parameters<typeof redact>[1];
    readonly partner: PartnerEntry;
    readonly notice?: SendInput['notice'];
  },
): boolean {
  const said = carried(compact);
  if (!said || !partner.policy) return false;
  const today = redact(reference as Parameters<typeof redact>[0], decision, {
    partner: partner.facts,
    policy: partner.policy,
    now: said.at,
    ...(notice !== undefined && { notice }),
  });
  return documentDigest(said.content) === documentDigest(today);
}
