import { type Due, dueFor, standingOf } from '../../domain/accreditation.ts';
import { isoInstant } from '../../domain/instant.ts';
import { type LiaisonRow, liaisonRows } from '../../store/liaisons.ts';
import { pendingActs } from '../../store/operators.ts';
import type { Exchange } from '../context.ts';
import { type Accredited, accreditationOf } from './accreditation.ts';

/** An accreditation as operators see it. */
export interface ListedLiaison extends Omit<Accredited, 'subject'> {
  readonly id: string;
  readonly state: 'active' | 'suspended' | 'expired' | 'pending';
  readonly reason?: string;
  /** When it was last signed in with; absent where it never was. */
  readonly usedAt?: string;
  readonly subject?: string;
  /** Why an operator has to look at it. */
  readonly due: readonly Due[];
}

/** Every accreditation, those that wait for approval first, then by their end; with `due` only those to look at. */
export async function listLiaisons(
  { store, clock }: Pick<Exchange, 'store' | 'clock'>,
  { due = false }: { readonly due?: boolean | undefined } = {},
) {
  const waiting = (await pendingActs(store.db)).filter(({ kind }) => kind === 'liaison.invite');
  const rows = await liaisonRows(store.db);
  const items = [
    ...waiting.map(({ subject, document }) => waitingView(subject, document as unknown as Accredited)),
    ...rows.map((row) => view(row, clock())),
  ];
  return { items: due ? items.filter((one) => one.due.length > 0) : items, next: null };
}

function waitingView(id: string, accredited: Accredited): ListedLiaison {
  const { name, agency, unit, jurisdictions, legalBasis, trained, until } = accredited;
  return { id, name, agency, unit, jurisdictions, legalBasis, trained, until, state: 'pending', due: [] };
}

function view(row: LiaisonRow, now: number): ListedLiaison {
  const accreditation = accreditationOf(row);
  const standing = standingOf(accreditation, now);
  const { id, name, agency, unit, jurisdictions, legal_basis, trained_on, until_on, state_reason, seen_at, subject } =
    row;
  return {
    id,
    name,
    agency,
    unit,
    jurisdictions,
    legalBasis: legal_basis,
    trained: trained_on,
    until: until_on,
    state: standing === 'in-force' ? 'active' : standing === 'unused' ? 'suspended' : standing,
    ...(state_reason !== null && { reason: state_reason }),
    ...(seen_at !== null && { usedAt: isoInstant(seen_at.getTime()) }),
    ...(subject !== null && { subject }),
    due: dueFor(accreditation, now),
  };
}
