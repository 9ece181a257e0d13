import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import {
  checkRequest,
  openPublication,
  type Publication,
  type PublicationRequest,
  signPublication,
} from '../../exchange/publication.ts';
import { type OpenedIdentity, openIdentityFile } from '../../keys/identity-file.ts';
import { thumbprint } from '../../wire/fingerprint.ts';
import type { Cli } from '../command.ts';
import { pathOf } from '../document.ts';
import { askSecret } from '../prompt.ts';
import { readIdentityPassphrase } from './passphrases.ts';

/**
 * Signs a request with an identity file, in this process alone: a running node never sees the key. What was signed is
 * opened again before it is given away, so that a request that breaks the protocol leaves without a signature.
 */
export async function signWithFile(
  cli: Cli,
  file: string,
  request: PublicationRequest,
): Promise<Publication | Refusal> {
  const opened = await openFile(cli, file);
  if (isRefusal(opened)) return opened;
  const { kid } = opened.public;
  const pinned = await thumbprint(request.card.identity_key);
  if (kid !== pinned) {
    const message = `${file} holds ${kid}: the identity key of another node, or one that this node went by before.`;
    const next = `Name the file of ${pinned}; what was replaced is called identity-KID.old.`;
    return refuse('publication-invalid', '/card/identity_key', message, next);
  }
  const now = Math.floor(Date.now() / 1000);
  const wrong = checkRequest(request, now);
  if (wrong) return wrong;
  const signed = await signPublication(request, opened.signer);
  const { iss: issuer, seq } = request.keySet;
  const proven = await openPublication(signed, { issuer, identity: opened.public, now, lastSeq: seq - 1 });
  return isRefusal(proven) ? proven : signed;
}

/** With the passphrase of the node where no other is set; a file that has one of its own is asked about on a terminal. */
async function openFile(cli: Cli, file: string): Promise<OpenedIdentity | Refusal> {
  const path = pathOf(cli, file);
  const passphrase = await readIdentityPassphrase(cli);
  if (isRefusal(passphrase)) return passphrase;
  const first = await openNamed(path, file, passphrase.reveal());
  if (!isRefusal(first) || first.code !== 'passphrase-wrong') return first;
  const { identityPassphrase, identityPassphraseFile } = cli.environment;
  const own = identityPassphrase !== undefined || identityPassphraseFile !== undefined;
  const typed = own ? undefined : await askSecret(cli, `Passphrase of ${file}, which is not that of the node: `);
  const again = typed === undefined || typed === '' ? first : await openNamed(path, file, typed);
  if (!isRefusal(again) || again.code !== 'passphrase-wrong') return again;
  const next = 'Set CASEREF_IDENTITY_PASSPHRASE_FILE to a file that only you can read, or CASEREF_IDENTITY_PASSPHRASE.';
  return { ...again, message: `The passphrase does not open ${file}.`, next };
}

async function openNamed(path: string, file: string, passphrase: string): Promise<OpenedIdentity | Refusal> {
  const opened = await openIdentityFile(path, passphrase);
  if (opened === undefined)
    return refuse('usage-invalid', '', `${file} does not exist.`, 'Name the file of the identity key: identity.key.');
  if (!isRefusal(opened) || opened.code !== 'setting-invalid') return opened;
  const message = `${file} is no identity key, or it is damaged.`;
  return refuse('usage-invalid', '', message, 'Name the file of the identity key: identity.key, not node.key.');
}
