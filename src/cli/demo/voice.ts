import { setTimeout as pause } from 'node:timers/promises';
import { isoInstant } from '../../domain/instant.ts';
import type { CaseEventName } from '../../domain/message.ts';
import type { ShownCase } from '../../exchange/case/case-view.ts';
import { recordStatement } from '../../exchange/case/say.ts';
import { showCase } from '../../exchange/case/show.ts';
import type { Player } from './cast.ts';

/** The case that the last chapters tell of. */
export interface Case {
  readonly originator: string;
  readonly id: string;
}

/** Looks until it is so, for some seconds at most. */
export async function until(look: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 400; tries += 1) {
    if (await look()) return true;
    await pause(50);
  }
  return false;
}

/** What an organisation says about the case; gives the code of a refusal, or nothing. */
export async function say(player: Player, about: Case, event: CaseEventName, payload: object) {
  const said = await recordStatement(player.node.exchange, { ...about, event, payload });
  return Array.isArray(said) ? said[0]?.code : undefined;
}

/** The instant so many hours from now, by the clock of the demonstration. */
export function hence(player: Player, hours: number): string {
  return isoInstant(player.node.exchange.clock() + hours * 3_600_000);
}

/** Something done or seen a moment ago. */
export function act(player: Player, action: string, standing: 'final' | 'observed', more: object = {}) {
  return { action, at: hence(player, 0), standing, ...more };
}

/** The case as an organisation sees it; undefined where it has nothing to see. */
export function seenBy(player: Player, about: Case): Promise<ShownCase | undefined> {
  return showCase(player.node.exchange, about);
}

/** Waits until an organisation sees the case so. */
export function sees(player: Player, about: Case, wanted: (seen: ShownCase) => boolean): Promise<boolean> {
  return until(async () => {
    const seen = await seenBy(player, about);
    return seen !== undefined && wanted(seen);
  });
}
