import { isJurisdiction } from '../../domain/jurisdiction.ts';
import { isHome } from '../../domain/portal.ts';
import type { ScopePlace } from '../../store/portal-search.ts';
import type { Exchange } from '../context.ts';
import type { Viewer } from './viewer.ts';

/** Where a liaison may look: each jurisdiction, and whether what is marked for our own nation reaches there. */
export function scopeOf({ settings }: Pick<Exchange, 'settings'>, viewer: Viewer, within?: string): ScopePlace[] {
  const places = within === undefined ? viewer.jurisdictions : narrowed(viewer, within);
  return [...new Set(places)].map((place) => ({ place, home: isHome(place, settings.jurisdictions) }));
}

/**
 * A place that a search names: the liaison's own, or a state of one of its nations; anything else is no place to look. `FR-IDF/national` is
 * none: it is a key of ours (`placeKey`), under which stands what this liaison may not even count.
 */
function narrowed({ jurisdictions }: Viewer, place: string): string[] {
  return isJurisdiction(place) && jurisdictions.some((own) => place === own || place.startsWith(`${own}-`))
    ? [place]
    : [];
}

/** The jurisdictions under which a decision for a unit was made, as its row names them. */
export function scopeName({ jurisdictions }: Viewer): string {
  return jurisdictions.toSorted().join(' ');
}
