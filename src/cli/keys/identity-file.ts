import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import {
  openPublication,
  type Publication,
  type PublicationRequest,
  signPublication,
} from '../../exchange/publication.ts';
import { openIdentityFile } from '../../keys/identity-file.ts';
import { thumbprint } from '../../wire/fingerprint.ts';
import type { Cli } from '../command.ts';
import { pathOf } from '../document.ts';
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
  const passphrase = await readIdentityPassphrase(cli);
  if (isRefusal(passphrase)) return passphrase;
  const opened = await openIdentityFile(pathOf(cli, file), passphrase.reveal());
  if (isRefusal(opened)) return opened;
  if (opened === undefined)
    return refuse('usage-invalid', '', `${file} does not exist.`, 'Name the file of the identity key: identity.key.');
  if (opened.public.kid !== (await thumbprint(request.card.identity_key))) {
    const message = `${file} is the identity key of another node.`;
    return refuse('publication-invalid', '/card/identity_key', message, 'Name the file that belongs to this node.');
  }
  const signed = await signPublication(request, opened.signer);
  const { iss: issuer, iat: now, seq } = request.keySet;
  const proven = await openPublication(signed, { issuer, identity: opened.public, now, lastSeq: seq - 1 });
  return isRefusal(proven) ? proven : signed;
}
