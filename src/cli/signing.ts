import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { type OperatorKey, openOperatorKey } from '../keys/operator-file.ts';
import type { ActName } from '../operator/act-operations.ts';
import type { OperationArgs } from '../operator/operations.ts';
import { documentDigest, signApproval } from '../wire/approval.ts';
import { answerWith, type Cli, type Everywhere, refuseWith } from './command.ts';
import { pathOf } from './document.ts';
import type { Exit } from './exit.ts';
import { readPassphraseOf } from './passphrase.ts';
import { ask, type ReachedNode, reach, type ValueOf } from './reach.ts';

/** Options of a command that an operator signs. */
export interface Signs extends Everywhere {
  readonly operator?: string;
}

type ActArgs<Name extends ActName> = Omit<OperationArgs[Name], 'signature'>;
type SignedArgs<Name extends ActName> = Parameters<typeof ask<Name>>[3];
type Draft = NonNullable<ValueOf<'act.draft'>['sign']>;

/** Adds `--operator`. */
export function signs(command: Command): Command {
  return command.option('--operator <file>', 'your own operator key, which signs this (default: CASEREF_OPERATOR)');
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
  args: ActArgs<Name>,
  show: (value: ValueOf<Name>) => void,
): Promise<Exit> {
  const file = options.operator ?? cli.environment.operator;
  if (file === undefined) return ask(cli, options, name, args as SignedArgs<Name>, show);
  const key = await openOperator(cli, file);
  if (isRefusal(key)) return refuseWith(cli, options, key);
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const signed = await signArgs(cli, node, key, name, args);
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

async function signArgs<Name extends ActName>(
  cli: Cli,
  node: ReachedNode,
  key: OperatorKey,
  name: Name,
  args: ActArgs<Name>,
): Promise<object | Refusal | readonly Refusal[]> {
  const drafted = await node.call('act.draft', { operation: name, by: key.kid, args });
  if (!drafted.ok) return drafted.refusals;
  const draft = drafted.value.sign;
  if (draft === null) return args;
  const wrong = checkDraft(draft, name, args);
  if (wrong) return wrong;
  const { node: issuer, act, subject, digest, role } = draft;
  const at = new Date().toISOString();
  const { compact } = await signApproval({ node: issuer, act, subject, digest, role, at }, key);
  cli.terminal.say(`Signed as ${role} by ${key.name}: ${act} of ${subject}, ${digest}`);
  return { ...args, ...settled(draft, name), signature: compact };
}

/** What a person signs is what this program was given, whatever the node says it is. */
function checkDraft(draft: Draft, name: ActName, args: object): Refusal | undefined {
  const given = args as { readonly document?: object };
  const meant =
    name === 'policy.set'
      ? { ...given.document, version: draft.document.version }
      : name === 'policy.deny.add'
        ? { ...given.document, id: draft.document.id }
        : draft.document;
  if (documentDigest(meant) === draft.digest && documentDigest(draft.document) === draft.digest) return undefined;
  const said = 'The node asks for a signature over something else than this command was given.';
  return refuse(
    'approval-invalid',
    '/digest',
    said,
    'Nothing was signed. Look at the node before you sign anything on it.',
  );
}

/** What the node gave a number or a name to: the act names it, so that what was signed is what is done. */
function settled({ document }: Draft, name: ActName): object {
  if (name === 'policy.set') return { version: document.version };
  return name === 'policy.deny.add' ? { document } : {};
}

const LONE_OPERATOR = 'There are fewer than two operators: this is recorded, a second person is not enforced.';

/** Says beside an act what its signatures are worth. */
export function saySignatures(
  cli: Cli,
  { author, approver, recordedNotEnforced }: { author?: string; approver?: string; recordedNotEnforced?: true },
): void {
  cli.terminal.fields([
    ['author', author],
    ['approver', approver],
  ]);
  if (recordedNotEnforced) cli.terminal.say(LONE_OPERATOR);
}
