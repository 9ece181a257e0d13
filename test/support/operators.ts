import type { Draft, Signing } from '../../src/exchange/acts.ts';
import { isDraft } from '../../src/exchange/acts.ts';
import type { Exchange } from '../../src/exchange/context.ts';
import { addOperator } from '../../src/exchange/operators.ts';
import { type Approval, signApproval } from '../../src/wire/approval.ts';
import { signerOf, type TestKey, testKey } from './tokens.ts';

// Operators' keys made by hand: what a person would have in a file.

export interface Person {
  readonly name: string;
  readonly key: TestKey;
}

export function person(name: string): Person {
  return { name, key: testKey() };
}

/** Signs claims as this person, at the exchange's time. */
export async function signed(
  exchange: Pick<Exchange, 'clock'>,
  { key }: Person,
  claims: Omit<Approval, 'at'>,
): Promise<Signing> {
  const at = new Date(exchange.clock()).toISOString();
  return { token: (await signApproval({ at, ...claims }, signerOf(key))).compact };
}

/** Does what a person at the command line does: asks for the draft, signs it, and acts with the signature. */
export async function actAs<Out>(
  exchange: Exchange,
  who: Person,
  act: (signing: Signing) => Promise<Out>,
): Promise<Exclude<Out, Draft>> {
  const draft = await act({ by: who.key.kid });
  const out = isDraft(draft) ? await act(await signed(exchange, who, claimsOf(draft))) : draft;
  if (isDraft(out)) throw new Error('a signed act was answered with a draft');
  return out as Exclude<Out, Draft>;
}

/** The claims that a draft asks to be signed. */
export function claimsOf({ node, act, subject, digest, role }: Draft): Omit<Approval, 'at'> {
  return { node, act, subject, digest, role };
}

/** Registers people as operators; the first two need nobody's signature, further ones are signed by those. */
export async function register(exchange: Exchange, ...people: readonly Person[]): Promise<void> {
  for (const { name, key } of people) {
    const added = await addOperator(exchange, { name, jwk: key.jwk });
    if (!('state' in added) || added.state !== 'active') throw new Error(`not registered: ${JSON.stringify(added)}`);
  }
}
