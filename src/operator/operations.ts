import type { Exchange } from '../exchange/context.ts';
import type { Place } from '../exchange/doctor/examine.ts';
import type { Share } from '../exchange/share.ts';
import { actOperations } from './act-operations.ts';
import { alertOperations } from './alert-operations.ts';
import { caseOperations } from './case-operations.ts';
import { introductionOperations } from './introduction-operations.ts';
import { keyOperations } from './key-operations.ts';
import { liaisonOperations, portalOf } from './liaison-operations.ts';
import { nodeOperations } from './node-operations.ts';
import { policyOperations } from './policy-operations.ts';
import { recallOperations } from './recall-operations.ts';
import { reconcileOperations } from './reconcile-operations.ts';
import { clientOperations, deliveryOperations, referenceOperations } from './reference-operations.ts';

export interface OperatorParts {
  readonly exchange: Exchange;
  readonly share: Share;
  /** Where the node stands, for its examination. */
  readonly place: Place;
  /** Whether the node serves: false where the command line opened it for itself. */
  readonly running: boolean;
}

/**
 * Everything an operator can ask of a node, by name: plain JSON in and out, with the same bodies as the node API. Called
 * in the process, or through the private socket of a node that runs.
 */
export function createOperations({ exchange, share, place, running }: OperatorParts) {
  return {
    ...nodeOperations(exchange, running),
    ...keyOperations(exchange),
    ...alertOperations(exchange, place, running),
    ...introductionOperations(exchange, running),
    ...actOperations(exchange, portalOf(exchange, place.run)),
    ...liaisonOperations(exchange),
    ...policyOperations(exchange),
    ...clientOperations(exchange),
    ...referenceOperations(exchange, share),
    ...caseOperations(exchange),
    ...recallOperations(exchange),
    ...deliveryOperations(exchange),
    ...reconcileOperations(exchange, running),
  };
}

export type Operations = ReturnType<typeof createOperations>;
export type OperationName = keyof Operations;
/** What each operation takes; members that may be left out are optional. */
export type OperationArgs = { [Name in OperationName]: Parameters<Operations[Name]>[0] };
/** What each operation answers, refusals included. */
export type OperationAnswers = { [Name in OperationName]: Awaited<ReturnType<Operations[Name]>> };
