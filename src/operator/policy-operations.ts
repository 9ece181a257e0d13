import { listCodeLists } from '../exchange/code-lists.ts';
import type { Exchange } from '../exchange/context.ts';
import { listDenies } from '../exchange/denies.ts';
import { explainReference } from '../exchange/explain.ts';
import { reviewPolicy, showPolicy } from '../exchange/policies.ts';
import { listPolicyVersions } from '../exchange/policy-versions.ts';
import { simulatePolicy } from '../exchange/simulate.ts';
import { operation } from './answer.ts';
import { cursor, issuer, limit, PAGE } from './listing.ts';
import { document, instant, optional, uuid, wholeNumber } from './members.ts';

/** References of one page of a simulation: a call of a moment, between which the node does everything else. */
const SIMULATED = 250;

/** What is read of policies and the organisation-wide denies; what changes them is signed (act-operations.ts). */
export function policyOperations(exchange: Exchange) {
  return {
    'policy.show': operation({ issuer, version: optional(wholeNumber(1, 1_000_000)) }, (one) =>
      showPolicy(exchange, one.issuer, one.version),
    ),
    'policy.versions': operation(
      { issuer, limit: optional(limit), cursor: optional(cursor) },
      ({ issuer: partner, limit: most = PAGE, cursor: after }) =>
        listPolicyVersions(exchange, partner, { limit: most, cursor: after }),
    ),
    'policy.check': operation({ document }, async (one) =>
      reviewPolicy(one.document, exchange.clock(), (await exchange.directory.current()).codes),
    ),
    'policy.explain': operation({ issuer, id: uuid, originator: optional(issuer) }, (wanted) =>
      explainReference(exchange, wanted),
    ),
    'policy.simulate': operation(
      {
        issuer,
        document,
        since: optional(instant),
        at: optional(instant),
        limit: optional(limit),
        cursor: optional(cursor),
      },
      ({ since, at, limit: most = SIMULATED, ...wanted }) =>
        simulatePolicy(exchange, { ...wanted, since: dateOf(since), at: dateOf(at), limit: most }),
    ),
    'codes.list': operation({}, async () => ({ items: await listCodeLists(exchange), next: null })),
    'policy.deny.list': operation({}, async () => ({ items: await listDenies(exchange), next: null })),
  };
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
