import { setTimeout as pause } from 'node:timers/promises';
import type { Terminal } from '../terminal.ts';
import { type Cast, done, type Player } from './cast.ts';
import type { Expectations } from './story.ts';

async function suspectAt(player: Player, issuer: string): Promise<number> {
  return done(await player.node.operations['partner.show']({ issuer })).suspect.count;
}

/** A signing key was in other hands: partners refuse it, doubt what came by it, and are told anew what was really ours. */
export async function keyLoss(
  terminal: Terminal,
  { hotline, abroad, police }: Cast,
  found: Expectations,
): Promise<void> {
  terminal.heading('10  A key is lost: what it signed is doubted, and said again under another');
  const { operations } = hotline.node;
  const { keys } = done(await operations['keys.list']({}));
  const lost = keys.find(({ use, state }) => use === 'sig' && state === 'active');
  if (!lost) return found.check('a key of Hotline DE signs', false);
  const recipients = [abroad, police];
  const revoked = done(
    await operations['keys.revoke']({ kid: lost.kid, reason: 'compromised', since: lost.notBefore }),
  );
  terminal.step(`Hotline DE revokes its signing key ${lost.kid.slice(0, 8)}… from its first day on`, 'bad');
  const told = 'told' in revoked.publication ? revoked.publication.told.filter((one) => one.told).length : 0;
  terminal.step(`${told} partners have the new key set; whatever the lost key signs from here on is refused`);
  const doubted: string[] = [];
  let left = recipients.length;
  for (let tries = 0; tries < 400 && left > 0; tries += 1) {
    const counts = await Promise.all(recipients.map((player) => suspectAt(player, hotline.issuer)));
    for (const [index, count] of counts.entries()) {
      const name = recipients[index]?.name ?? '';
      if (count === 0 || doubted.includes(name)) continue;
      doubted.push(name);
      terminal.step(`${name} marks what came by it: ${count} messages are suspect`, 'waiting');
    }
    left = counts.filter((count) => count > 0).length;
    if (left > 0) await pause(50);
  }
  terminal.step(
    'Hotline DE signs again, payload by payload, what its outbox knows to be its own: the marks are gone',
    left === 0 ? 'good' : 'bad',
  );
  found.check('both partners learn of the revocation at once', told === recipients.length);
  found.check('what was really ours is suspect nowhere any more', left === 0);
}
