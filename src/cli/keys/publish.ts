import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import type { Publication, PublicationRequest } from '../../exchange/publication.ts';
import { answerWith, type Cli, type Everywhere, leaf, refuseWith } from '../command.ts';
import { pathOf, readJsonDocument, unreadable } from '../document.ts';
import { type Exit, exit } from '../exit.ts';
import { ask, reach } from '../reach.ts';
import { confirmed } from './confirm.ts';
import { signWithFile } from './identity-file.ts';
import { type CarriedRequest, showRequest } from './request.ts';
import { showTold } from './told.ts';

/** What the two files that are carried between the machines say they are. */
const REQUEST = { caseref: 'publication-request', version: 1 } as const;
const SIGNED = { caseref: 'publication', version: 1 } as const;

interface PublishOptions extends Everywhere {
  readonly identity?: string;
  readonly request?: string;
  readonly signed?: string;
  readonly out?: string;
  readonly yes?: boolean;
}

/** `caseref keys publish`: from this machine, from an identity file, or by way of a machine that is never connected. */
export function publishCommand(cli: Cli): Command {
  return leaf('publish', 'sign the current keys as a new key set and tell every partner', [
    'caseref keys publish',
    'caseref keys publish --identity /media/stick/identity.key',
    'caseref keys publish --request request.json --identity identity.key --out signed.json --yes      without a node',
    'caseref keys publish --signed signed.json',
  ])
    .option('--identity <file>', 'file of the identity key, read by this command and by no node')
    .option('--request <file>', 'sign what caseref keys export-public wrote; needs no node directory')
    .option('--signed <file>', 'publish what was signed elsewhere')
    .option('--out <file>', 'with --request: where the signed file goes (default: standard output)')
    .option('--yes', 'with --request: sign without asking')
    .action(async (options: PublishOptions) => cli.end(await publish(cli, options)));
}

async function publish(cli: Cli, options: PublishOptions): Promise<Exit> {
  const { identity, request, signed, out } = options;
  const wrong = wrongWay(options);
  if (wrong) return refuseWith(cli, options, wrong);
  if (signed !== undefined) return publishSigned(cli, options, signed);
  if (request !== undefined && identity !== undefined) return signRequest(cli, options, { request, identity, out });
  if (identity !== undefined) return publishWithFile(cli, options, identity);
  return ask(cli, options, 'keys.publish', {}, (told) => showTold(cli, told));
}

function wrongWay({ identity, request, signed, out }: PublishOptions): Refusal | undefined {
  const others = [identity, request, out].some((given) => given !== undefined);
  if (signed !== undefined && others)
    return refuse('usage-invalid', '', 'What is signed needs nothing else.', 'Give --signed FILE alone.');
  if (request !== undefined && identity === undefined)
    return refuse('usage-invalid', '', 'A request is signed with an identity file.', 'Give --identity FILE as well.');
  if (out !== undefined && request === undefined)
    return refuse('usage-invalid', '', '--out belongs to --request.', 'Give --request FILE, or leave --out out.');
  return undefined;
}

async function publishSigned(cli: Cli, options: PublishOptions, file: string): Promise<Exit> {
  const document = await readCarried(cli, file, SIGNED.caseref);
  if (isRefusal(document)) return refuseWith(cli, options, document);
  const { keySet, card } = document as unknown as Publication;
  return ask(cli, options, 'keys.install', { keySet, card }, (told) => showTold(cli, told));
}

async function publishWithFile(cli: Cli, options: PublishOptions, file: string): Promise<Exit> {
  const node = await reach(cli, options);
  if (isRefusal(node)) return refuseWith(cli, options, node);
  try {
    const draft = await node.call('keys.draft', {});
    if (!draft.ok) return refuseWith(cli, options, draft.refusals);
    const signed = await signWithFile(cli, file, draft.value);
    if (isRefusal(signed)) return refuseWith(cli, options, signed);
    const told = await node.call('keys.install', signed);
    return told.ok
      ? answerWith(cli, options, told.value, (value) => showTold(cli, value))
      : refuseWith(cli, options, told.refusals);
  } finally {
    await node.close();
  }
}

interface Signing {
  readonly request: string;
  readonly identity: string;
  readonly out: string | undefined;
}

async function signRequest(cli: Cli, options: PublishOptions, { request, identity, out }: Signing): Promise<Exit> {
  const document = await readCarried(cli, request, REQUEST.caseref);
  if (isRefusal(document)) return refuseWith(cli, options, document);
  const asked = document as unknown as CarriedRequest;
  await showRequest(cli, asked);
  const unsure = await confirmed(cli, options, 'Compare the digest with what caseref keys export-public printed.');
  if (unsure !== undefined) return unsure;
  const signed = await signWithFile(cli, identity, { keySet: asked.keySet, card: asked.card });
  if (isRefusal(signed)) return refuseWith(cli, options, signed);
  const written = await write(cli, out, { ...SIGNED, ...signed });
  if (written) return refuseWith(cli, options, written);
  cli.terminal.say(`Signed for ${asked.keySet.iss}, key set ${asked.keySet.seq}.`);
  cli.terminal.next('Carry the signed file back to the node:', [`caseref keys publish --signed ${out ?? 'FILE'}`]);
  return exit.done;
}

/** Reads one of the two files that are carried: whether it is the right one, and has its two members. */
async function readCarried(cli: Cli, file: string, kind: string): Promise<object | Refusal> {
  const document = await readJsonDocument(cli, file);
  if (isRefusal(document)) return document;
  const { caseref, version, keySet, card } = document as Record<string, unknown>;
  const form = kind === SIGNED.caseref ? 'string' : 'object';
  const whole = [keySet, card].every((part) => part !== null && typeof part === form);
  if (caseref === kind && version === 1 && whole && isWhole(kind, document)) return document;
  const next = 'A request comes from caseref keys export-public, a signed file from caseref keys publish --request.';
  return refuse('publication-invalid', '', `The file is no ${kind.replace('-', ' ')} of caseref.`, next);
}

/** The members of a request that are looked at before anything is signed; the rest is proven by what was signed. */
function isWhole(kind: string, document: object): boolean {
  if (kind === SIGNED.caseref) return true;
  const { keySet, card } = document as unknown as PublicationRequest;
  const identity: unknown = card.identity_key;
  return Array.isArray(keySet.keys) && typeof identity === 'object' && identity !== null;
}

/** `caseref keys export-public`: what the identity key is asked to sign, without any secret. */
export function exportCommand(cli: Cli): Command {
  return leaf('export-public', 'write what the identity key is asked to sign where it is kept; no secrets', [
    'caseref keys export-public request.json',
  ])
    .argument('[file]', 'where it goes (default: standard output)')
    .action(async (file: string | undefined, options: Everywhere) => {
      const node = await reach(cli, options);
      if (isRefusal(node)) return cli.end(refuseWith(cli, options, node));
      try {
        const draft = await node.call('keys.draft', {});
        if (!draft.ok) return cli.end(refuseWith(cli, options, draft.refusals));
        const failed = await write(cli, file, { ...REQUEST, ...draft.value });
        if (failed) return cli.end(refuseWith(cli, options, failed));
        await showRequest(cli, draft.value);
        const step = `caseref keys publish --request ${file} --identity identity.key --out SIGNED`;
        if (file !== undefined) cli.terminal.next('Where the identity key is:', [step]);
        cli.end(exit.done);
      } finally {
        await node.close();
      }
    });
}

async function write(cli: Cli, file: string | undefined, document: object): Promise<Refusal | undefined> {
  if (file === undefined || file === '-') {
    cli.terminal.json(document);
    return undefined;
  }
  try {
    await writeFile(pathOf(cli, file), `${JSON.stringify(document, null, 2)}\n`, { flag: 'wx', mode: 0o644 });
    return undefined;
  } catch (failure) {
    return unreadable(file, failure);
  }
}
