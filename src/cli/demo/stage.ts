import { once } from 'node:events';
import type { Cli } from '../command.ts';
import { type Exit, exit } from '../exit.ts';
import { createTerminal, type Terminal } from '../terminal.ts';
import { moveAbroad, outcomes } from './abroad.ts';
import { type Cast, done, makeCast } from './cast.ts';
import { tellHost } from './host.ts';
import { keyLoss } from './key-loss.ts';
import { inviteVisitor, officerReads } from './officer.ts';
import {
  type Expectations,
  expectations,
  explainTwo,
  importSample,
  introductions,
  tellDecisions,
  tellReceipts,
} from './story.ts';
import { decideHeld, outage, recall } from './trouble.ts';

/** The whole demonstration, told as it happens; the exit code says whether every expectation held. */
export async function demonstrate(cli: Cli, onceOnly: boolean): Promise<Exit> {
  // One stream, so that the story keeps its order in a file or pipe too.
  const terminal = createTerminal({ stdout: process.stdout, stderr: process.stdout, noColor: cli.environment.noColor });
  terminal.heading('caseref: four organisations exchange signed case references');
  terminal.say(
    'Two hotlines, a police liaison unit and a hosting provider, each with a node, keys and a store of its own, on loopback.',
  );
  terminal.say('Every message is signed, and encrypted to its recipient.');
  terminal.say('Every address, name and number below is invented; nothing here points at a real host.');
  const cast = await makeCast();
  try {
    const found = expectations();
    process.once('SIGINT', leaveAtOnce).once('SIGTERM', leaveAtOnce);
    await tell(terminal, cast, found);
    process.off('SIGINT', leaveAtOnce).off('SIGTERM', leaveAtOnce);
    report(terminal, found);
    if (!onceOnly) await stay(terminal, cast);
    return found.broken.length === 0 ? exit.done : exit.refused;
  } finally {
    await cast.leave();
  }
}

/** In the middle of the story there is nothing to finish: the exit takes the directories away. */
function leaveAtOnce(): void {
  process.exit(exit.refused);
}

async function tell(terminal: Terminal, cast: Cast, found: Expectations): Promise<void> {
  await introductions(terminal, cast);
  const results = await importSample(terminal, cast, found);
  await tellDecisions(terminal, cast, found);
  await explainTwo(terminal, cast, results);
  await tellReceipts(terminal, cast, found);
  await decideHeld(terminal, cast, found);
  const [recalled] = await outage(terminal, cast, found);
  if (recalled !== undefined) await recall(terminal, cast, recalled, found);
  await keyLoss(terminal, cast, found);
  const told = await tellHost(terminal, cast, found);
  await moveAbroad(terminal, cast, told, found);
  await outcomes(terminal, cast, told, found);
  await officerReads(terminal, cast, found);
}

function report(terminal: Terminal, { broken, count }: Expectations): void {
  terminal.heading('Expectations');
  for (const what of broken) terminal.step(`did not hold: ${what}`, 'bad');
  if (broken.length === 0) terminal.step(`all ${count} expectations met`, 'good');
}

/** Leaves the nodes up for whoever wants to look around, until Ctrl-C. */
async function stay(terminal: Terminal, cast: Cast): Promise<void> {
  const { hotline, abroad, police, provider } = cast;
  const scopes = ['references:write', 'references:read', 'events:read', 'partners:read'];
  const { token } = done(await hotline.node.operations['client.create']({ name: 'demo', scopes }));
  terminal.heading('The nodes stay up until Ctrl-C');
  terminal.table(
    [
      { title: 'organisation', cell: (row) => row.name },
      { title: 'node', cell: (row) => row.issuer },
      { title: 'API', cell: (row) => row.node.addresses.api },
    ],
    [hotline, abroad, police, provider],
  );
  const ahead = Math.round((hotline.node.exchange.clock() - Date.now()) / 3_600_000);
  terminal.say(`The story let hours go by: the clock of these nodes stands ${ahead} hours ahead.`);
  const { api } = hotline.node.addresses;
  const body =
    '{"url":"https://gallery.example/try/1","jurisdiction":{"hosting":"NL"},"category":"csam","marking":{"tlp":"AMBER"}}';
  terminal.next('Share one reference yourself and see what is decided for each partner:', [
    `curl -s -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '${body}' ${api}/v1/references`,
  ]);
  terminal.next('Then look at what went out, addresses masked because this client may not locate:', [
    `curl -s -H 'Authorization: Bearer ${token}' '${api}/v1/references?limit=3'`,
  ]);
  terminal.next(
    'Read the portal of Police DE in a browser on this machine, with a passkey of your own; this works once:',
    [await inviteVisitor(cast)],
  );
  terminal.say('End with Ctrl-C: the nodes stop and their directories are removed.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  terminal.say('stopping');
}
