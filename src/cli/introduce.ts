import type { Command } from 'commander';
import { isRefusal } from '../domain/refusal.ts';
import { type Cli, type Everywhere, leaf, refuseWith, sameNode } from './command.ts';
import { readDocument } from './document.ts';
import type { Exit } from './exit.ts';
import { fingerprintFields } from './keys.ts';
import { ask, type ValueOf } from './reach.ts';

type Added = ValueOf<'partner.add'>;
type Offered = Extract<Added, { replaces: string }>;
type Introduced = Exclude<Added, Offered>;
type Updated = Exclude<ValueOf<'partner.update'>, Offered>;

const NO_KEY =
  'Messages to it must be encrypted, and its key set has no current encryption key: they would wait. Ask its operator to publish one.';
const CALL = 'Call the partner on a number that you know, have it read out its fingerprint, and type that:';
const CALL_BEFORE =
  'Call the partner on a number that you had before this card, and ask whether and when it lost its key. Only if it did:';

/** `caseref partner add`: a peer card, as a file or as text. */
export function addPartner(cli: Cli): Command {
  return leaf('add', 'take the peer card of a partner; it is pending until its fingerprint is confirmed', [
    'caseref partner add their.card',
    'caseref partner add - < their.card',
  ])
    .argument('<file>', 'the partner’s peer card; - is standard input')
    .action(async (file: string, options: Everywhere) => {
      const give = (card: string) =>
        ask(cli, options, 'partner.add', { card }, (added) =>
          'replaces' in added ? printOffered(cli, options, added) : printIntroduced(cli, options, added),
        );
      cli.end(await withCard(cli, options, file, give));
    });
}

/** `caseref partner update`: a newer card of a partner that is known. */
export function updatePartner(cli: Cli): Command {
  return leaf('update', 'take a newer card of a partner: contact, name and keys; what was confirmed stays', [
    'caseref partner update their.card',
  ])
    .argument('<file>', 'the partner’s newer peer card; - is standard input')
    .action(async (file: string, options: Everywhere) => {
      const give = (card: string) =>
        ask(cli, options, 'partner.update', { card }, (updated) =>
          'replaces' in updated ? printOffered(cli, options, updated) : printUpdated(cli, updated),
        );
      cli.end(await withCard(cli, options, file, give));
    });
}

async function withCard(
  cli: Cli,
  options: Everywhere,
  file: string,
  give: (card: string) => Promise<Exit>,
): Promise<Exit> {
  const bytes = await readDocument(cli, file);
  if (isRefusal(bytes)) return refuseWith(cli, options, bytes);
  return give(Buffer.from(bytes).toString('latin1').trim());
}

function printIntroduced(cli: Cli, options: Everywhere, added: Introduced): void {
  cli.terminal.fields([
    ['partner', added.issuer, 'strong'],
    ['state', added.state, 'waiting'],
    ['says it is', `${added.organisation.name}, ${added.organisation.type}`],
    ['for', added.organisation.jurisdictions.join(', ')],
    ...fingerprintFields(added),
    ['before', added.formerly && formerly(added)],
  ]);
  if (!added.exchangeable) cli.terminal.warn(NO_KEY);
  // Not the fingerprint of the card: whoever pasted that would have compared nothing.
  cli.terminal.next(CALL, [
    `caseref partner confirm ${added.issuer} --fingerprint 'WHAT YOU HEARD'${sameNode(options)}`,
  ]);
}

function formerly({ formerly: kid, fingerprint }: Introduced): string {
  return kid === fingerprint ? 'a partner that was removed, the same identity' : `removed, another identity: ${kid}`;
}

function printOffered(cli: Cli, options: Everywhere, offered: Offered): void {
  const { issuer, organisation, replaces } = offered;
  cli.terminal.warn('This card has ANOTHER identity key than the one pinned. Nothing of it counts yet.');
  cli.terminal.fields([
    ['partner', issuer, 'strong'],
    ['says it is', `${organisation.name}, ${organisation.type}`],
    ...fingerprintFields(offered),
    ['still in force', replaces],
  ]);
  cli.terminal.next(CALL_BEFORE, [
    `caseref partner confirm ${issuer} --fingerprint 'WHAT YOU HEARD' --suspect-since INSTANT${sameNode(options)}`,
  ]);
}

function printUpdated(cli: Cli, { issuer, updated, changed, proposes }: Updated): void {
  if (!updated) {
    cli.terminal.say(`This is the card of ${issuer} that is here already.`);
    return;
  }
  const what = changed.length === 0 ? 'nothing but its date changed' : `changed: ${changed.join(', ')}`;
  cli.terminal.step(`The card of ${issuer} is taken; ${what}.`, 'good');
  for (const [member, value] of Object.entries(proposes))
    cli.terminal.warn(`It says another ${member} than you confirmed, which stays: ${JSON.stringify(value)}`);
}
