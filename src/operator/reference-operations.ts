import { dropReasons } from '../domain/dropped.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { browseDeliveries, browseReferences, checkKnown, showDecisions, showReference } from '../exchange/browse.ts';
import { withCase } from '../exchange/case/show.ts';
import { createClient, listClients, revokeClient } from '../exchange/clients.ts';
import type { Exchange } from '../exchange/context.ts';
import { dropDelivery } from '../exchange/drop.ts';
import { callsFor } from '../exchange/emergency-call.ts';
import { browseOutbox } from '../exchange/held-back.ts';
import { importLines } from '../exchange/import.ts';
import { beginImport, finishImport, importFileLines } from '../exchange/import-file.ts';
import { retryAll, retryDelivery } from '../exchange/retry.ts';
import { revealReference } from '../exchange/reveal.ts';
import type { Share } from '../exchange/share.ts';
import type { Shared } from '../exchange/sharing.ts';
import { shown } from '../exchange/view.ts';
import { veiledByPartner } from '../store/recovery.ts';
import { operation } from './answer.ts';
import { hereOf } from './case-operations.ts';
import { cursor, issuer, limit, PAGE } from './listing.ts';
import { document, instant, listOf, membersOf, oneOf, optional, text, uuid, wholeNumber, yesOrNo } from './members.ts';
import { whoseReference } from './whose.ts';

/** Stands for the operator where a client's id is asked for; no client has it. */
const OPERATOR = '00000000-0000-0000-0000-000000000000';
const LINES = 500;
/** A line may be refused for its length, and then its number must come back: so more is taken here than is read there. */
const LONGEST_LINE = 1024 * 1024;
/** Deliveries shown beside one reference: one or a few for each partner. */
const DELIVERIES = 500;

const line = membersOf({ line: wholeNumber(1, Number.MAX_SAFE_INTEGER), text: text(LONGEST_LINE, 0) });
/** SHA-256 of a file, in hex. */
const fileDigest = text(64, 64);
const LONGEST_PATH = 4096;
const code = text(64);
const deliveryStates = ['queued', 'sent', 'receipted', 'overdue', 'dead', 'dropped'] as const;

/** Operations on references. Staff meet no address by accident: all are masked but in `reference.show` with a purpose. */
export function referenceOperations(exchange: Exchange, share: Share) {
  return {
    'reference.submit': operation({ reference: document, idempotencyKey: optional(text(255)) }, async (one) => {
      const key = one.idempotencyKey;
      const idempotency =
        key === undefined ? undefined : { client: OPERATOR, key, body: JSON.stringify(one.reference) };
      const answer = await share(one.reference, { idempotency });
      return Array.isArray(answer) ? (answer as Refusal[]) : submitted(exchange, answer as Shared);
    }),
    'reference.import': operation(
      { lines: listOf(line, LINES), file: optional(fileDigest) },
      async ({ lines, file }) => ({
        results:
          file === undefined ? await importLines(share, lines) : await importFileLines(exchange, share, file, lines),
      }),
    ),
    'reference.import.begin': operation(
      { file: fileDigest, path: text(LONGEST_PATH), resume: yesOrNo },
      ({ file: digest, path, resume }) => beginImport(exchange, { digest, path }, resume),
    ),
    'reference.import.finish': operation(
      { file: fileDigest, line: wholeNumber(0, Number.MAX_SAFE_INTEGER) },
      async ({ file, line: last }) => {
        await finishImport(exchange, file, last);
        return { line: last };
      },
    ),
    'reference.list': operation(
      {
        direction: optional(oneOf(['in', 'out'])),
        partner: optional(issuer),
        category: optional(code),
        jurisdiction: optional(text(16)),
        state: optional(code),
        urgency: optional(code),
        since: optional(instant),
        until: optional(instant),
        limit: optional(limit),
        cursor: optional(cursor),
      },
      async ({ limit: most = PAGE, cursor: after, since, until, ...filter }) => {
        const stranger = await checkKnown(exchange, filter.partner);
        if (stranger) return stranger;
        const span = {
          since: since === undefined ? undefined : new Date(since),
          until: until === undefined ? undefined : new Date(until),
        };
        return browseReferences(exchange, { ...filter, ...span }, { limit: most, cursor: after }, 'masked');
      },
    ),
    // What the list leaves out since state was lost, so that nobody takes it for all there is.
    'reference.closed': operation({}, async () => ({ items: await veiledByPartner(exchange.store.db), next: null })),
    'reference.show': operation({ id: uuid, originator: optional(issuer), purpose: optional(code) }, (one) =>
      showOne(exchange, one.originator, one.id, one.purpose),
    ),
  };
}

/** The body that the node API answers a submission with, its addresses masked. */
async function submitted(exchange: Exchange, answer: Shared) {
  const calls = callsFor(await exchange.directory.current(), answer.reference, answer.decisions);
  const { id, reference, createdAt, decisions, duplicates, duplicateAnswer, normalised } = answer;
  const standing = { direction: 'out' as const, state: 'open', createdAt, updatedAt: createdAt };
  return {
    reference: { originator: exchange.self, id, ...standing, ...shown(reference, 'masked') },
    decisions: decisions.map(({ partner, decision }) => ({ partner, ...decision })),
    duplicates,
    duplicateAnswer,
    normalised,
    ...(calls.length > 0 && { calls }),
  };
}

async function showOne(exchange: Exchange, originator: string | undefined, id: string, purpose: string | undefined) {
  const whose = await whoseReference(exchange, originator, id);
  return isRefusal(whose) ? whose : showWhole(exchange, whose, id, purpose);
}

async function showWhole(exchange: Exchange, originator: string, id: string, purpose: string | undefined) {
  const reference =
    purpose === undefined
      ? await showReference(exchange, originator, id, 'masked')
      : await revealReference(exchange, originator, id, purpose);
  if (isRefusal(reference)) return reference;
  const decisions = await showDecisions(exchange, originator, id);
  if (isRefusal(decisions)) return decisions;
  const deliveries = await browseDeliveries(exchange, { originator, reference: id }, { limit: DELIVERIES });
  if (isRefusal(deliveries)) return deliveries;
  const name = { originator, id };
  const shownNow = await withCase(exchange, name, reference);
  const here = shownNow.case && (await hereOf(exchange, name, shownNow.case));
  return { ...shownNow, ...(here && { here }), decisions: decisions.items, deliveries: deliveries.items };
}

/** Operations on the outbox. */
export function deliveryOperations(exchange: Exchange) {
  return {
    'delivery.list': operation(
      {
        state: optional(oneOf(deliveryStates)),
        partner: optional(issuer),
        limit: optional(limit),
        cursor: optional(cursor),
      },
      ({ limit: most = PAGE, cursor: after, ...filter }) =>
        browseOutbox(exchange, filter, { limit: most, cursor: after }),
    ),
    'delivery.retry': operation({ id: text(64) }, ({ id }) => retryDelivery(exchange, id)),
    'delivery.retry.all': operation(
      { partner: issuer, state: optional(oneOf(['dead', 'overdue', 'queued'])) },
      ({ partner, state = 'dead' }) => retryAll(exchange, partner, state),
    ),
    'delivery.drop': operation({ id: text(64), reason: oneOf(dropReasons) }, ({ id, reason }) =>
      dropDelivery(exchange, id, reason, 'operator'),
    ),
  };
}

/** Operations on the clients of the node API. */
export function clientOperations(exchange: Exchange) {
  return {
    'client.create': operation({ name: text(64), scopes: listOf(code, 20) }, (wanted) =>
      createClient(exchange, wanted),
    ),
    'client.list': operation({}, async () => ({ items: await listClients(exchange), next: null })),
    'client.revoke': operation({ id: text(64) }, ({ id }) => revokeClient(exchange, id)),
  };
}
