import type { Command } from 'commander';
import { isRefusal } from '../../domain/refusal.ts';
import { answerWith, type Cli, type Everywhere, leaf, quoted, refuseWith, sameNode } from '../command.ts';
import type { Exit } from '../exit.ts';
import { instantOption } from '../instant.ts';
import { type ReachedNode, reach, type ValueOf } from '../reach.ts';
import { confirmed } from './confirm.ts';
import { withKid } from './life.ts';
import { sayServe, showPublication } from './told.ts';

interface RevokeOptions extends Everywhere {
  readonly reason: string;
  readonly since?: string;
  readonly yes?: boolean;
}

type OwnKey = ValueOf<'keys.list'>['keys'][number];

/** Reasons of which nobody need have had the key. */
const harmless: ReadonlySet<string> = new Set(['superseded', 'unspecified']);

/** `caseref keys revoke`: for a key that others may have. */
export function revokeCommand(cli: Cli): Command {
  const command = leaf('revoke', 'tell everybody that a key is not ours alone any more, and put another in its place', [
    'caseref keys revoke 7Qx… --reason compromised --since 2026-11-19T22:00:00Z --yes',
    'caseref keys revoke 7Qx… --reason compromised --since now      nobody had it before',
  ]);
  return withKid(command, 'kid of the key')
    .requiredOption(
      '--reason <text>',
      'why: compromised, superseded or unspecified, as partners read it; other words stay here, and partners read compromised',
    )
    .option(
      '--since <instant>',
      'from when others may have had it (default: now); an earlier instant can still be given later',
    )
    .option('--yes', 'do it')
    .action(async (kid: string, options: RevokeOptions) => cli.end(await begin(cli, kid, options)));
}

async function begin(cli: Cli, kid: string, options: RevokeOptions): Promise<Exit> {
  const since = instantOption(cli, options.since, '/since');
  if (isRefusal(since)) return refuseWith(cli, options, since);
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    return await revoke(cli, node, { ...options, kid, since });
  } finally {
    await node.close();
  }
}

interface Revocation extends Everywhere {
  readonly kid: string;
  readonly reason: string;
  readonly since: string | undefined;
  readonly yes?: boolean;
}

async function revoke(cli: Cli, node: ReachedNode, options: Revocation): Promise<Exit> {
  const { kid, reason, since } = options;
  const listed = await node.call('keys.list', {});
  if (!listed.ok) return refuseWith(cli, options, listed.refusals);
  const { keys, identity } = listed.value;
  const key = keys.find((one) => one.kid === kid);
  if (key && !options.json) showPlan(cli, key, { since, publishes: identity.present });
  const unsure = await confirmed(cli, options, 'This destroys the private part of the key for good.');
  if (unsure !== undefined) return unsure;
  const revoked = await node.call('keys.revoke', { kid, reason, since });
  if (!revoked.ok) return refuseWith(cli, options, revoked.refusals);
  return answerWith(cli, options, revoked.value, (value) => {
    cli.terminal.fields([
      ['kid', value.kid, 'strong'],
      ['revoked since', value.revokedAt, 'bad'],
      ['successor', value.successor?.kid, 'good'],
    ]);
    if (since === undefined && !harmless.has(reason)) {
      cli.terminal.warn('Only what comes from this moment on is doubted: what a thief signed before passes for ours.');
      cli.terminal.next('If others had it earlier, say since when:', [
        `caseref keys revoke ${kid} --reason ${quoted(reason)} --since INSTANT --yes${sameNode(options)}`,
      ]);
    }
    if (value.sinceBegin) cli.terminal.say('The key began later than the instant that you gave: its begin counts.');
    showPublication(cli, value.publication, 'The key is revoked here only.');
    if (value.opens) cli.terminal.say('It still opens what partners send until you publish; then it is destroyed.');
    if (!node.running && value.use === 'sig')
      sayServe(cli, options, 'what the key really signed is said again by one that does');
  });
}

/** What it comes to, before it is done. */
function showPlan(
  { terminal }: Cli,
  { kid, use, state }: OwnKey,
  { since, publishes }: { readonly since: string | undefined; readonly publishes: boolean },
): void {
  const from = since === undefined ? 'from now on' : `since ${since}`;
  terminal.say('The plan:');
  const waits = use === 'enc' && !publishes;
  terminal.step(
    `${waits ? 'once it is published' : 'now'}: the private part of ${kid} is destroyed${state === 'active' ? '; another key takes its place now' : ''}`,
  );
  terminal.step(
    publishes ? 'now: it is published, and partners are told' : 'then: you publish it from where the identity key is',
    publishes ? 'plain' : 'waiting',
  );
  if (use === 'sig') {
    terminal.step(`partners refuse what it signs, and doubt what came to them by it ${from}`);
    terminal.step('what this node really sent is said again under the new key, and the doubt goes');
  } else {
    terminal.step(
      'partners encrypt to the new key; what is on its way to the old one after that is refused, and they send it again',
    );
    terminal.step(`whoever has the old key can read what was encrypted to it, ${from} and before: treat that as read`);
  }
}
