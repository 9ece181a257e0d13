import type { Command } from 'commander';
import { codes } from '../../domain/codes.ts';
import type { CaseEventName } from '../../domain/message.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { type Cli, leaf, quoted, refuseWith, sameNode } from '../command.ts';
import { instantOption } from '../instant.ts';
import { ask, type ValueOf } from '../reach.ts';
import { askSigned, BY_ANOTHER, proposes, type Signs, saySignatures } from '../signing.ts';
import { knownCodes } from './codes.ts';
import { handleOption } from './handle.ts';

/** Options of every command that says something about a reference. */
export interface Says extends Signs {
  readonly originator?: string;
  readonly toldBy?: string;
  readonly channel?: string;
  readonly theirReference?: string;
}

/** What is said: the event, and the words of the command that say it, with every instant resolved. */
export interface Said {
  readonly event: CaseEventName;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Of a report of fact: whether it is said of the other references to the same address too. */
  readonly alsoLinked?: boolean | undefined;
  /** Options of this command, so that a second person can give the same; `true` for one without a value. */
  readonly words: Readonly<Record<string, string | true | undefined>>;
}

/** A command `caseref reference NAME ID` that says something about a reference, our own or a partner's. */
export function saying(name: string, summary: string, examples: readonly string[]): Command {
  const command = leaf(
    name,
    summary,
    examples.map((example) => `caseref reference ${name} ${example}`),
  )
    .argument('<id>', 'id of the reference')
    .option('--originator <issuer>', 'whose reference it is (default: ours, else the only one with this id)')
    .option('--told-by <unit>', 'record it for a party that runs no node, as unit list has it; wants --channel')
    .addOption(knownCodes('--channel <code>', 'how that party told it', codes.toldByChannel))
    .option('--their-reference <system:id>', 'the number under which that party has it');
  return proposes(command);
}

/** Says it, or ends with what is wrong: a refusal that was met while the words were read comes as it is. */
export async function say<Options extends Says>(
  cli: Cli,
  options: Options,
  { id, name }: { readonly id: string; readonly name: string },
  said: Said | Refusal,
): Promise<void> {
  if (isRefusal(said)) return cli.end(refuseWith(cli, options, said));
  const toldBy = readToldBy(options);
  if (isRefusal(toldBy)) return cli.end(refuseWith(cli, options, toldBy));
  const { originator } = options;
  const payload = { ...said.payload, ...(toldBy && { toldBy }) };
  const { event, alsoLinked } = said;
  const given = {
    ...{ id, event, payload },
    ...(originator !== undefined && { originator }),
    ...(alsoLinked !== undefined && { alsoLinked }),
  };
  const show = (recorded: Recorded) => printRecorded(cli, options, { recorded, name, said });
  // Nobody's key signs what one's own people say: there is nobody's word to be answered for but ours.
  if (!toldBy) return cli.end(await ask(cli, options, 'reference.say', given, show));
  return cli.end(await askSigned(cli, options, 'reference.say', given, show));
}

type Recorded = ValueOf<'reference.say'>;

function readToldBy({ toldBy: unit, channel, theirReference, operator, insteadOf }: Says) {
  if (unit === undefined) {
    const alone = Object.entries({ channel, theirReference, operator, insteadOf }).find(
      ([, given]) => given !== undefined,
    );
    if (!alone) return undefined;
    const next = `Name the party with --told-by UNIT, or leave ${flagOf(alone[0])} out.`;
    return refuse('usage-invalid', `/${alone[0]}`, 'Nobody is named who told it.', next);
  }
  if (channel === undefined) {
    const next = `Give --channel: ${codes.toldByChannel.join(', ')}.`;
    return refuse('usage-invalid', '/channel', 'How the party told it is missing.', next);
  }
  const reference = handleOption(theirReference, '/theirReference');
  if (isRefusal(reference)) return reference;
  return { channel, unit, ...(reference && { reference }) };
}

function flagOf(member: string): string {
  return `--${member.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

interface Printed {
  readonly recorded: Recorded;
  readonly name: string;
  readonly said: Said;
}

/** What was said in a few words: a hold that was lifted is not to be read as one that was placed. */
function inWords({ event, payload }: Said): string {
  const what = payload.step ?? payload.action ?? payload.code;
  const until = payload.until ?? payload.deadline;
  return `${what === undefined ? event : `${event}, ${what}`}${until === undefined ? '' : ` until ${until}`}`;
}

function printRecorded(cli: Cli, options: Says, { recorded, name, said: { words, ...what } }: Printed): void {
  const { id, originator, said, recipients, pending } = recorded;
  cli.terminal.fields([
    ['recorded', inWords({ words, ...what }), 'strong'],
    ['reference', id],
    ['originator', originator],
    ['told by', options.toldBy],
    ['said', said],
    ['state', pending ? 'pending' : 'recorded', pending ? 'waiting' : 'good'],
  ]);
  saySignatures(cli, recorded);
  sayRecipients(cli, recorded);
  if (pending) {
    const again = `caseref reference ${name} ${id} --originator ${originator}${spelled({ ...words, ...toldWords(options) })}`;
    cli.terminal.next('Nothing of it counts yet. Another operator who knows what was told gives the same command:', [
      `${again} ${BY_ANOTHER}${sameNode(options)}`,
    ]);
  } else if (recipients.length === 0) cli.terminal.say('Nobody else has this reference.');
}

/** Whom it goes to and who is not told, each with the reason: silence towards a partner can be read. */
function sayRecipients({ terminal }: Cli, { recipients, linked = [] }: Recorded): void {
  for (const { partner, state, code } of recipients) {
    if (state === 'queued') terminal.say(`On its way to ${partner}.`);
    else if (state === 'waiting') terminal.say(`Waits for ${partner}: ${code}.`);
    else terminal.say(`Not told: ${partner} (${code}).`);
  }
  for (const { originator, id, code } of linked)
    terminal.say(
      code === undefined
        ? `Said of ${id} of ${originator} too, as observed: it is to the same address.`
        : `Not said of ${id} of ${originator}, which is to the same address: ${code}.`,
    );
}

function toldWords({ toldBy, channel, theirReference }: Says): Said['words'] {
  return { '--told-by': toldBy, '--channel': channel, '--their-reference': theirReference };
}

function spelled(words: Said['words']): string {
  return Object.entries(words)
    .map(([flag, value]) => (value === undefined ? '' : value === true ? ` ${flag}` : ` ${flag} ${quoted(value)}`))
    .join('');
}

/** The instant at which something happened: now, where nothing is given. */
export function happenedAt(cli: Cli, text: string | undefined): string | Refusal {
  return instantOption(cli, text ?? 'now', '/at') as string | Refusal;
}

/** Exactly one of several options says which step is meant. */
export function oneStep(given: Readonly<Record<string, unknown>>): Refusal | undefined {
  const flags = Object.keys(given);
  if (flags.filter((flag) => given[flag] !== undefined).length === 1) return undefined;
  return refuse('usage-invalid', '/step', 'What is to be said is not clear.', `Give one of: ${flags.join(', ')}.`);
}
