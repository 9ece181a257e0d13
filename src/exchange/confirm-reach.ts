import type { Endpoints } from '../domain/contract.types.ts';
import { type Refusal, refuse } from '../domain/refusal.ts';
import type { Exchange } from './context.ts';

/** Refuses a partner that takes no inbound connection where this node takes none either: neither could reach the other. */
export function checkReach(
  { settings }: Exchange,
  { issuer, endpoints }: { readonly issuer: string; readonly endpoints: Endpoints },
): Refusal | undefined {
  if (!settings.pollOnly || endpoints.push !== undefined) return undefined;
  const message = 'Both nodes only poll: neither takes a connection, so nothing can be exchanged between them.';
  const next = `One of the two has to publish an address to push to; after that its newer card: caseref partner update FILE, then confirm ${issuer}.`;
  return refuse('state-conflict', '/issuer', message, next);
}
