import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { createOperatorKey, type OperatorPublicKey } from '../keys/operator-file.ts';
import { viewAct } from './act-view.ts';
import { answerWith, type Cli, type Everywhere, group, leaf, refuseWith, sameNode } from './command.ts';
import { pathOf, readJsonDocument } from './document.ts';
import { readPassphraseOf } from './passphrase.ts';
import { ask, type ValueOf } from './reach.ts';
import { askSigned, BY_ANOTHER, openOperator, proposes, type Signs, saySignatures, signs } from './signing.ts';

/** `caseref operator`: the persons whose keys sign what changes the trust of this node. */
export function operatorCommand(cli: Cli): Command {
  return group('operator', 'keys of persons: with two of them, what one does another approves', [
    makeKey(cli),
    addOperator(cli),
    listOperators(cli),
    removeOperator(cli),
    approveOperator(cli),
    listPending(cli),
  ]);
}

interface KeyOptions extends Signs {
  readonly file?: string;
  readonly public?: string;
}

const FILE = 'key file (default: NAME.operator.key in the current directory; made where there is none)';

/** The public part of the key in the file; a key that is not there is made, with a passphrase of its own. */
async function ownKey(
  cli: Cli,
  name: string,
  file: string,
  signer: string | undefined,
): Promise<OperatorPublicKey | Refusal> {
  const path = pathOf(cli, file);
  const present = await access(path).then(
    () => true,
    () => false,
  );
  const { operatorPassphrase, operatorPassphraseFile, newPassphrase, newPassphraseFile } = cli.environment;
  // Where another operator signs, that one's passphrase is in the environment: two persons do not share one.
  const source =
    signer === undefined
      ? { named: 'CASEREF_OPERATOR_PASSPHRASE', value: operatorPassphrase, file: operatorPassphraseFile }
      : { named: 'CASEREF_NEW_PASSPHRASE', value: newPassphrase, file: newPassphraseFile };
  if (present) return openPublic(cli, name, file);
  const passphrase = await readPassphraseOf(cli, { ...source, of: `the operator key of ${name}`, making: true });
  if (isRefusal(passphrase)) return passphrase;
  const made = await createOperatorKey(path, name, passphrase.reveal());
  if (!isRefusal(made)) cli.terminal.step(`${path} is made: it and its passphrase are for ${name} alone.`, 'good');
  return made;
}

async function openPublic(cli: Cli, name: string, file: string): Promise<OperatorPublicKey | Refusal> {
  const key = await openOperator(cli, file);
  if (isRefusal(key)) return key;
  if (key.name === name) return { name, kid: key.kid, alg: key.alg, jwk: key.jwk };
  const next = 'Give the name that the key was made for, or another --file.';
  return refuse('state-conflict', '/name', `${file} is the key of ${key.name}.`, next);
}

function makeKey(cli: Cli): Command {
  return leaf('key', 'make a key on your own machine and print its public part; needs no node', [
    'caseref operator key ada > ada.public.json',
  ])
    .argument('<name>', 'your name: lower-case letters, digits, dots and hyphens')
    .option('--file <file>', FILE)
    .action(async (name: string, options: KeyOptions) => {
      const key = await ownKey(cli, name, options.file ?? `${name}.operator.key`, undefined);
      if (isRefusal(key)) return cli.end(refuseWith(cli, options, key));
      cli.end(
        answerWith(cli, options, { name, kid: key.kid, jwk: key.jwk }, (printed) => {
          cli.terminal.line(JSON.stringify(printed));
          cli.terminal.next(
            'Whoever runs the node registers that line, saved as a file, once you have read out the kid to each other:',
            [`caseref operator add ${name} --public ${name}.public.json`],
          );
        }),
      );
    });
}

/** A public part as `operator key` prints it. */
async function readPublic(cli: Cli, name: string, file: string): Promise<object | Refusal> {
  const document = await readJsonDocument(cli, file);
  if (isRefusal(document)) return document;
  const { name: named = name, jwk } = document as { name?: unknown; jwk?: unknown };
  const next = 'Give the file that caseref operator key printed.';
  if (named !== name) return refuse('usage-invalid', '/name', `${file} is not the key of ${name}.`, next);
  if (typeof jwk === 'object' && jwk !== null) return jwk;
  return refuse('usage-invalid', '/jwk', `${file} holds no public key.`, next);
}

async function givenKey(cli: Cli, name: string, options: KeyOptions): Promise<object | Refusal> {
  if (options.public !== undefined) return readPublic(cli, name, options.public);
  const signer = options.operator ?? cli.environment.operator;
  const key = await ownKey(cli, name, options.file ?? `${name}.operator.key`, signer);
  return isRefusal(key) ? key : key.jwk;
}

function addOperator(cli: Cli): Command {
  const command = leaf(
    'add',
    'register an operator by the public part of a key; the first two need nobody’s approval',
    [
      'caseref operator add ada',
      'caseref operator add ben --public ben.public.json',
      'caseref operator add eve --public eve.public.json --operator ada.operator.key',
    ],
  );
  return proposes(command)
    .argument('<name>', 'name of the person: lower-case letters, digits, dots and hyphens')
    .option('--file <file>', FILE)
    .option('--public <file>', 'the public part of a key made elsewhere; - is standard input')
    .action(async (name: string, options: KeyOptions) => {
      const jwk = await givenKey(cli, name, options);
      if (isRefusal(jwk)) return cli.end(refuseWith(cli, options, jwk));
      cli.end(
        await askSigned(cli, options, 'operator.add', { name, jwk }, (change) => {
          print(cli, options, change, '');
          if (change.state === 'active' && change.active === 2) sayOnlyTwo(cli, options);
        }),
      );
    });
}

function sayOnlyTwo(cli: Cli, options: Everywhere): void {
  cli.terminal.warn(
    'From now on what one of the two does waits for the other: when one key is lost, nothing can be approved any more, its removal included.',
  );
  cli.terminal.next('Register a third:', [`caseref operator add NAME ${BY_ANOTHER}${sameNode(options)}`]);
}

function print(cli: Cli, options: Everywhere, change: ValueOf<'operator.add'>, removal: string): void {
  const { name, kid, state } = change;
  cli.terminal.fields([
    ['operator', name, 'strong'],
    ['kid', kid],
    ['state', state, state === 'pending' ? 'waiting' : 'good'],
  ]);
  saySignatures(cli, change);
  if (state !== 'pending') return;
  cli.terminal.next('Nothing has changed yet. Another operator compares the kid with its owner and approves:', [
    `caseref operator approve ${name}${removal} --kid ${kid} ${BY_ANOTHER}${sameNode(options)}`,
  ]);
}

function removeOperator(cli: Cli): Command {
  const command = leaf('remove', 'end what the key of an operator may sign; its signatures stay in the record', [
    'caseref operator remove ben --yes --operator ada.operator.key',
  ]);
  return proposes(command)
    .argument('<name>', 'name of the operator')
    .option('--yes', 'do it')
    .action(async (name: string, { yes = false, ...options }: Signs) => {
      if (!yes) {
        const what = 'A name and a key that were removed are never taken again. Nothing was done.';
        return cli.end(refuseWith(cli, options, refuse('usage-invalid', '', what, 'If that is meant, give --yes.')));
      }
      cli.end(
        await askSigned(cli, options, 'operator.remove', { name }, (change) => print(cli, options, change, REMOVAL)),
      );
    });
}

const REMOVAL = ' --removal';

interface ApproveOptions extends Signs {
  readonly kid: string;
  readonly removal?: boolean;
}

function approveOperator(cli: Cli): Command {
  const command = leaf('approve', 'approve, as the second person, that an operator is added or removed', [
    'caseref operator approve eve --kid KID --operator ben.operator.key',
    'caseref operator approve eve --removal --kid KID --operator ben.operator.key',
  ]);
  return signs(command)
    .argument('<name>', 'name of the operator')
    .requiredOption('--kid <kid>', 'kid of its key, as its owner reads it out and as operator pending shows it')
    .option('--removal', 'that it is removed')
    .option('--yes', 'sign without being asked: it was looked at')
    .action(async (name: string, options: ApproveOptions) => {
      const { kid, removal } = options;
      cli.end(
        await askSigned(cli, options, 'operator.approve', { name, kid, removal }, (change) =>
          print(cli, options, change, ''),
        ),
      );
    });
}

function listOperators(cli: Cli): Command {
  return leaf('list', 'list the operators, those that were removed too', ['caseref operator list']).action(
    async (options: Everywhere) => {
      cli.end(
        await ask(cli, options, 'operator.list', {}, ({ items, enforced }) => {
          if (items.length > 0)
            cli.terminal.table(
              [
                { title: 'operator', cell: ({ name }) => name, tone: () => 'strong' },
                {
                  title: 'state',
                  cell: ({ state }) => state,
                  tone: ({ state }) => (state === 'active' ? 'good' : 'quiet'),
                },
                { title: 'since', cell: ({ addedAt }) => addedAt },
                { title: 'removed', cell: ({ removedAt }) => removedAt ?? '' },
                { title: 'kid', cell: ({ kid }) => kid },
              ],
              items,
            );
          if (enforced) cli.terminal.say('What one operator does waits until another one has approved it.');
          else
            cli.terminal.say('There are fewer than two operators: acts are recorded, a second person is not enforced.');
        }),
      );
    },
  );
}

function listPending(cli: Cli): Command {
  return leaf('pending', 'list what waits for a second operator, with the command that approves it', [
    'caseref operator pending',
  ]).action(async (options: Everywhere) => {
    cli.end(
      await ask(cli, options, 'operator.pending', {}, ({ items }) => {
        if (items.length === 0) cli.terminal.say('Nothing waits for a second operator.');
        for (const { act, subject, author, createdAt, digest, document, approve } of items) {
          cli.terminal.fields([
            [act, subject, 'strong'],
            ...viewAct(act, document),
            ['signed by', `${author}, ${createdAt}`],
            ['digest', digest],
          ]);
          cli.terminal.next('approve:', [approve + sameNode(options)]);
        }
      }),
    );
  });
}
