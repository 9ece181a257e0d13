import type { Command } from 'commander';
import { dataDirectory, readNodeSettings } from '../config.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { type OperatorKey, openOperatorKey } from '../keys/operator-file.ts';
import type { ActName } from '../operator/act-operations.ts';
import { documentDigest, signApproval } from '../wire/approval.ts';
import { viewAct } from './act-view.ts';
import { answerWith, type Cli, type Everywhere, refuseWith } from './command.ts';
import { pathOf } from './document.ts';
import type { Exit } from './exit.ts';
import { type ActArgs, type Draft, meantAct } from './meant-act.ts';
import { readPassphraseOf } from './passphrase.ts';
import { askYes } from './prompt.ts';
import { ask, type ReachedNode, reach, type ValueOf } from './reach.ts';

/** Options of a command that an operator signs. */
export interface Signs extends Everywhere {
  readonly operator?: string;
  /** Digest of what another operator has signed, and of which this takes the place. */
  readonly insteadOf?: string;
  /** What is signed as the second person was looked at before. */
  readonly yes?: boolean;
}

type SignedArgs<Name extends ActName> = Parameters<typeof ask<Name>>[3];

/** Adds `--operator`. */
export function signs(command: Command): Command {
  return command.option('--operator <file>', 'your own operator key, which signs this (default: CASEREF_OPERATOR)');
}

/** Adds `--operator` and `--instead-of`: a command that begins an act. */
export function proposes(command: Command): Command {
  return signs(command).option(
    '--instead-of <digest>',
    'end what another operator has signed for the same and waits: its digest in operator pending',
  );
}

/** `--operator FILE` as the next command needs it too: every person names a file of their own. */
export const BY_ANOTHER = '--operator FILE';

/**
 * Asks an operation, signed by the operator whose key file was named: the node says what it would do, the operator's key
 * signs that here, and the node does it. Without a key file it is asked as it is, and the node says whether that will do.
 */
export async function askSigned<Name extends ActName>(
  cli: Cli,
  options: Signs,
  name: Name,
  given: ActArgs<Name>,
  show: (value: ValueOf<Name>) => void,
): Promise<Exit> {
  const { insteadOf } = options;
  const args = { ...given, ...(insteadOf !== undefined && { insteadOf }) };
  const file = options.operator ?? cli.environment.operator;
  if (file === undefined) return ask(cli, options, name, args as SignedArgs<Name>, show);
  const key = await openOperator(cli, file);
  if (isRefusal(key)) return refuseWith(cli, options, key);
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const signed = await signArgs(cli, options, { node, key, name, args });
    if (isRefusal(signed) || Array.isArray(signed)) return refuseWith(cli, options, signed);
    const answer = await node.call(name, signed as SignedArgs<Name>);
    return answer.ok
      ? answerWith(cli, options, answer.value as ValueOf<Name>, show)
      : refuseWith(cli, options, answer.refusals);
  } finally {
    await node.close();
  }
}

/** Opens an operator's key file with its own passphrase. */
export async function openOperator(cli: Cli, file: string): Promise<OperatorKey | Refusal> {
  const { operatorPassphrase: value, operatorPassphraseFile } = cli.environment;
  const named = 'CASEREF_OPERATOR_PASSPHRASE';
  const source = { named, value, file: operatorPassphraseFile, of: `the operator key ${file}` };
  const passphrase = await readPassphraseOf(cli, source);
  return isRefusal(passphrase) ? passphrase : openOperatorKey(pathOf(cli, file), passphrase.reveal());
}

interface Wanted<Name extends ActName> {
  readonly node: ReachedNode;
  readonly key: OperatorKey;
  readonly name: Name;
  readonly args: ActArgs<Name>;
}

async function signArgs<Name extends ActName>(
  cli: Cli,
  options: Signs,
  { node, key, name, args }: Wanted<Name>,
): Promise<object | Refusal | readonly Refusal[]> {
  const drafted = await node.call('act.draft', { operation: name, by: key.kid, args });
  if (!drafted.ok) return drafted.refusals;
  const draft = drafted.value.sign;
  if (draft === null) return args;
  const wrong =
    (await checkNode(cli, options, draft)) ??
    (await checkDraft(draft, name, args)) ??
    (await agree(cli, options, name, draft));
  if (wrong) return wrong;
  const { node: issuer, act, subject, digest, role } = draft;
  const at = new Date().toISOString();
  const { compact } = await signApproval({ node: issuer, act, subject, digest, role, at }, key);
  cli.terminal.say(`Signed as ${role} by ${key.name}: ${act} of ${subject}, ${digest}`);
  return { ...args, ...settled(draft, name), signature: compact };
}

/** One person's key may be registered at several nodes: a signature for this one must not be asked for in its name. */
async function checkNode(cli: Cli, options: Everywhere, draft: Draft): Promise<Refusal | undefined> {
  const directory = dataDirectory(cli.environment, options.data);
  if (isRefusal(directory)) return directory;
  const settings = await readNodeSettings(directory);
  if (isRefusal(settings)) return settings;
  return draft.node === settings.issuer ? undefined : otherThanGiven('/node', 'another node');
}

/** What a person signs is what this program was given, whatever the node says it is. */
async function checkDraft<Name extends ActName>(
  draft: Draft,
  name: Name,
  args: ActArgs<Name>,
): Promise<Refusal | undefined> {
  const meant = await meantAct(name, args, draft.document);
  if (draft.act !== meant.act) return otherThanGiven('/act', 'another kind of act');
  if (draft.subject !== meant.subject) return otherThanGiven('/subject', 'something else');
  if (!meant.roles.includes(draft.role)) return otherThanGiven('/role', 'the other role');
  const { digest } = draft;
  const same = digest === documentDigest(draft.document) && digest === documentDigest(meant.document);
  return same && digest === (meant.digest ?? digest) ? undefined : otherThanGiven('/digest', 'another content');
}

function otherThanGiven(pointer: string, what: string): Refusal {
  return refuse(
    'approval-invalid',
    pointer,
    `The node asks for a signature over something else than this command was given: ${what}.`,
    'Nothing was signed. Look at the node, and at DATA/run, before you sign anything on it.',
  );
}

/** Commands that sign what another person wrote, and do nothing else. */
const asks: ReadonlySet<ActName> = new Set(['operator.approve', 'policy.deny.approve', 'liaison.approve']);

/** The second person reads what becomes effective by the signature before it is made. */
async function agree(cli: Cli, options: Signs, name: ActName, draft: Draft): Promise<Refusal | undefined> {
  if (draft.role !== 'approver') return undefined;
  const { act, subject, digest, document } = draft;
  cli.terminal.say(`You sign as the second person: ${act} of ${subject}, ${digest}`);
  for (const [label, value] of viewAct(act, document))
    if (value !== undefined) cli.terminal.say(`  ${label}: ${value}`);
  if (!asks.has(name) || options.yes) return undefined;
  const answer = await askYes(cli, 'Is that what you mean to approve?');
  if (answer) return undefined;
  const next = answer === undefined ? 'If that is what you mean, give --yes.' : 'What waits: caseref operator pending.';
  return refuse('usage-invalid', '', 'Nothing was signed.', next);
}

/** What the node gave a number or a name to: the act names it, so that what was signed is what is done. */
function settled({ document }: Draft, name: ActName): object {
  if (name === 'policy.set') return { version: document.version };
  if (name === 'liaison.invite') return { id: document.id };
  return name === 'policy.deny.add' ? { document } : {};
}

const LONE_OPERATOR = 'There are fewer than two operators: this is recorded, a second person is not enforced.';

/** Says beside an act what its signatures are worth. */
export function saySignatures(
  cli: Cli,
  {
    author,
    approver,
    recordedNotEnforced,
    superseded,
  }: {
    author?: string;
    approver?: string;
    recordedNotEnforced?: true;
    superseded?: { digest: string; author?: string };
  },
): void {
  cli.terminal.fields([
    ['author', author],
    ['approver', approver],
  ]);
  if (superseded)
    cli.terminal.say(`What ${superseded.author ?? 'nobody'} had signed for it waits no more: ${superseded.digest}`);
  if (recordedNotEnforced) cli.terminal.say(LONE_OPERATOR);
}
