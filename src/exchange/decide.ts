import type { HostNotice } from '../domain/authority/notice.ts';
import type { CaseReference } from '../domain/contract.types.ts';
import type { Decision, SendEffect, TraceStep } from '../domain/decision.ts';
import { judgeDeny } from '../domain/denies.ts';
import { decideSend } from '../domain/policy.ts';
import { previewDisclosure } from '../domain/redact.ts';
import type { NewEvent } from '../store/feed.ts';
import { type MatchKeys, matchKeys } from '../wire/match.ts';
import type { Exchange } from './context.ts';
import type { PartnerEntry, Snapshot } from './directory.ts';
import type { ReferenceName } from './record.ts';
import type { PartnerDecision } from './sharing.ts';

/** Compares a deny's hosts with addresses by their match keys: K3 (the host) and K4 (the registrable domain), nothing else. */
function hostMatcher(addresses: readonly MatchKeys[]): (deny: { readonly hosts?: readonly string[] }) => boolean {
  return (deny) => (deny.hosts ?? []).some((host) => addresses.some(({ K3, K4 }) => host === K3 || host === K4));
}

/**
 * The organisation-wide deny that keeps this reference from a partner, or may: what is said about it is kept from that partner too,
 * even where the reference came from there.
 */
export function denyOf(
  { denies, codes }: Snapshot,
  { facts: partner }: PartnerEntry,
  reference: CaseReference,
  now: number,
): string | undefined {
  const hostMatches = hostMatcher([matchKeys(reference.url)]);
  const input = { reference, partnerType: partner.type, now, codes, partner, hostMatches };
  return denies.find((deny) => judgeDeny(deny, input).effect !== 'send')?.id;
}

/** Every address that would leave: the reference's own, and the one to come from where the policy discloses it. */
function addressesFor(
  exchange: Exchange,
  { facts: partner, policy }: PartnerEntry,
  reference: CaseReference,
  keys: MatchKeys,
): readonly MatchKeys[] {
  if (reference.access?.referrer === undefined || policy === undefined) return [keys];
  const shown: Partial<CaseReference> = previewDisclosure(reference, { partner, policy, now: exchange.clock() }) ?? {};
  const referrer = shown.access?.referrer;
  return referrer === undefined ? [keys] : [keys, matchKeys(referrer)];
}

/** Decides for one reference and one partner under a snapshot of the directory. `notice`: what was said about telling the host. */
export function decideOne(
  exchange: Exchange,
  snapshot: Snapshot,
  partner: PartnerEntry,
  reference: CaseReference,
  keys: MatchKeys,
  notice?: HostNotice,
): Decision<SendEffect> {
  return decideSend({
    reference,
    self: exchange.self,
    home: exchange.settings.jurisdictions,
    partner: { ...partner.facts, state: partner.state },
    policy: partner.policy,
    denies: snapshot.denies,
    codes: snapshot.codes,
    hostMatches: hostMatcher(addressesFor(exchange, partner, reference, keys)),
    ...(notice !== undefined && { notice }),
    now: exchange.clock(),
  });
}

/** Decides for one reference and every partner, in the order of issuers. */
export function decideAll(
  exchange: Exchange,
  snapshot: Snapshot,
  reference: CaseReference,
  keys: MatchKeys,
  notice?: HostNotice,
): PartnerDecision[] {
  return [...snapshot.partners.values()].map((partner) => ({
    partner: partner.facts.issuer,
    decision: decideOne(exchange, snapshot, partner, reference, keys, notice),
  }));
}

/** A rule that says hold is a person's to answer; a deny, a missing legal basis or the partner's state is not. */
export function heldByGate(trace: readonly TraceStep[]): boolean {
  return trace.some(
    (step) => step.matched && step.effect === 'hold' && step.kind !== 'rule' && step.kind !== 'default',
  );
}

/** Feed entries for what waits for a person's decision; of an emergency they say so, since that cannot wait. */
export function heldEvents(
  name: ReferenceName,
  decisions: readonly PartnerDecision[],
  at: Date,
  urgency: string | undefined,
): NewEvent[] {
  return decisions
    .filter(({ decision }) => decision.effect === 'hold')
    .map(({ partner, decision }) => ({
      type: 'decision.held',
      at,
      originator: name.originator,
      reference: name.id,
      partner,
      code: decision.code,
      ...(urgency === 'emergency' && { body: { urgency } }),
    }));
}
