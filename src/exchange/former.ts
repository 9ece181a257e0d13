import { decideReceive } from '../domain/policy.ts';
import { urgencyOf } from '../domain/reference.ts';
import type { Trx } from '../store/open.ts';
import { directoryVersion, partnerRow } from '../store/partners.ts';
import { isClosed } from '../store/recall.ts';
import { reviseReferences } from '../store/references.ts';
import { type Former, lockFormer, overwrittenAfter, setAsideRevisions } from '../store/suspect.ts';
import { codeListsWithin } from './code-lists.ts';
import type { Exchange } from './context.ts';
import { decisionRow, openContent, revisedFacts } from './record.ts';

const NAMES = 10_000;
const BATCH = 200;
const FIRST = '00000000-0000-0000-0000-000000000000';

/**
 * Puts the newest revision that nobody doubts back in force where a suspect one stands over it, and decides on it anew. The
 * suspect ones are set aside and kept: their numbers must not keep out what the originator says next.
 */
export async function restoreFormer(exchange: Exchange, trx: Trx, issuer: string, at: Date): Promise<void> {
  for (let after = FIRST; ; ) {
    const ids = await overwrittenAfter(trx, issuer, after, NAMES);
    for (let from = 0; from < ids.length; from += BATCH)
      await restore(exchange, trx, issuer, ids.slice(from, from + BATCH), at);
    const last = ids.at(-1);
    if (last === undefined || ids.length < NAMES) return;
    after = last;
  }
}

async function restore(exchange: Exchange, trx: Trx, issuer: string, ids: readonly string[], at: Date): Promise<void> {
  const former = await lockFormer(trx, issuer, ids);
  if (former.length === 0) return;
  const judge = await judgeOf(trx, issuer);
  const basis = await directoryVersion(trx);
  const rows = former.map((one) => {
    const content = openContent(exchange.vault, one, one);
    const decision = judge(content, at);
    // What policy would refuse today was taken once: a person looks at it.
    const effect = decision.effect === 'accept' ? ('accept' as const) : ('hold' as const);
    const facts = revisedFacts(content, {
      urgency: urgencyOf(content),
      at,
      arrivedAt: one.created_at,
      ceilingDays: exchange.settings.retainDays,
    });
    return {
      reference: { originator: one.originator, id: one.id, state: stateOf(one, effect), ...facts },
      decision: decisionRow(one, issuer, 'in', { ...decision, effect }, { revision: one.revision, basis, at }),
    };
  });
  await setAsideRevisions(trx, former);
  await reviseReferences(
    trx,
    rows.map(({ reference }) => reference),
    rows.map(({ decision }) => decision),
  );
}

/** What is closed stays so. */
function stateOf({ state }: Former, effect: 'accept' | 'hold'): string | null {
  if (isClosed(state)) return null;
  return effect === 'hold' ? 'held' : 'open';
}

/** By the policy as it stands in the store: the directory must not be read in a transaction that has changed keys. */
async function judgeOf(trx: Trx, issuer: string) {
  const partner = await partnerRow(trx, issuer);
  const policy = await trx
    .selectFrom('policy')
    .select('document')
    .where('partner', '=', issuer)
    .where('state', '=', 'active')
    .executeTakeFirst();
  const codes = await codeListsWithin(trx);
  const originator = { issuer, type: partner?.type ?? 'unknown', jurisdictions: partner?.jurisdictions ?? [] };
  return (reference: ReturnType<typeof openContent>, at: Date) =>
    decideReceive({ reference, originator, policy: policy?.document, codes, now: at.getTime() });
}
