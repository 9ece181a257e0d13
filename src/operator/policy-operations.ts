import type { Exchange } from '../exchange/context.ts';
import { listDenies } from '../exchange/denies.ts';
import { reviewPolicy, showPolicy } from '../exchange/policies.ts';
import { operation } from './answer.ts';
import { issuer } from './listing.ts';
import { document, optional, wholeNumber } from './members.ts';

/** What is read of policies and the organisation-wide denies; what changes them is signed (act-operations.ts). */
export function policyOperations(exchange: Exchange) {
  return {
    'policy.show': operation({ issuer, version: optional(wholeNumber(1, 1_000_000)) }, (one) =>
      showPolicy(exchange, one.issuer, one.version),
    ),
    'policy.check': operation({ document }, (one) => reviewPolicy(one.document)),
    'policy.deny.list': operation({}, async () => ({ items: await listDenies(exchange), next: null })),
  };
}
