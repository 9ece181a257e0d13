import { isoInstant } from '../domain/instant.ts';
import { isRefusal, type Refusal, refuse } from '../domain/refusal.ts';
import { KEY_LIFE, type PublicKey } from '../keys/keystore.ts';
import type { Exchange } from './context.ts';
import { changeKeys, keyEvent, secondsNow } from './key-change.ts';
import { publishNow } from './key-state.ts';
import { AHEAD_SECONDS, PUBLIC_FOR, RETIRE_AFTER } from './key-times.ts';
import { algorithmOf, type KeyWish, type OwnKey, viewKey } from './own-keys.ts';
import { identityHere, type Told } from './publish.ts';

/** What a rotation would do, before it does anything. Instants in ISO. */
export interface Rotation {
  readonly alg: PublicKey['alg'];
  readonly use: PublicKey['use'];
  /** The key whose place is taken; absent where a first key of its algorithm is made. */
  readonly replaces?: string;
  /** Whether the identity key is on this machine: else the new key waits for a publication from where it is. */
  readonly publishes: boolean;
  /** Partners that are told at once. */
  readonly tells: readonly string[];
  readonly activateAt: string;
  readonly retireAt?: string;
  /** Until when what the old key signed is still verified, at least. */
  readonly verifiedUntil?: string;
}

/** What a rotation began. */
export interface Rotating extends OwnKey {
  readonly plan: Rotation;
  readonly publication: Told | { readonly refused: Refusal };
}

const at = (seconds: number) => isoInstant(seconds * 1000);

/** The plan of a rotation, to be shown before it is carried out. */
export async function planRotation(exchange: Exchange, wish: KeyWish): Promise<Rotation | Refusal> {
  await exchange.keys.reload();
  const alg = rotated(exchange, wish);
  if (isRefusal(alg)) return alg;
  const under = underWay(exchange, alg);
  if (under) return under;
  const { partners } = await exchange.directory.within(exchange.store.db);
  const told = [...partners.values()].filter(({ state, endpoints }) => state !== 'pending' && endpoints.keys);
  const use = alg === 'ECDH-ES' ? 'enc' : 'sig';
  const old = active(exchange, alg);
  const begin = secondsNow(exchange) + AHEAD_SECONDS;
  const end = begin + RETIRE_AFTER[use];
  const publishes = !isRefusal(await identityHere(exchange));
  return {
    alg,
    use,
    ...(old && { replaces: old.kid }),
    publishes,
    tells: publishes ? told.map(({ facts }) => facts.issuer) : [],
    activateAt: at(begin),
    ...(old && { retireAt: at(end), verifiedUntil: at(end + PUBLIC_FOR) }),
  };
}

/**
 * Begins a rotation: makes the new key, publishes it three refresh periods ahead, and leaves the rest to the running node
 * (key-plan.ts), or to `activate` and `retire` by hand.
 */
export async function rotateKeys(exchange: Exchange, wish: KeyWish): Promise<Rotating | Refusal> {
  const plan = await planRotation(exchange, wish);
  if (isRefusal(plan)) return plan;
  const made = await changeKeys(exchange, async () => {
    const under = underWay(exchange, plan.alg);
    if (under) return under;
    const nbf = secondsNow(exchange) + AHEAD_SECONDS;
    const key = await exchange.keys.generate({
      alg: plan.alg,
      nbf,
      exp: nbf + KEY_LIFE,
      plan: { activateAt: nbf },
    });
    const about = { alg: plan.alg, ...(plan.replaces !== undefined && { replaces: plan.replaces }) };
    return { answer: key, events: [keyEvent(exchange, 'keys.generated', key.kid, about)] };
  });
  if (isRefusal(made)) return made;
  const publication = await publishNow(exchange);
  return { ...viewKey(made, !('refused' in publication)), plan, publication };
}

/** The algorithm that is rotated: the one asked for, else that of the key that signs most. */
function rotated(exchange: Exchange, wish: KeyWish): PublicKey['alg'] | Refusal {
  if (wish.use === 'enc' || wish.alg !== undefined) return algorithmOf(wish);
  return exchange.keys.signer()?.alg ?? 'Ed25519';
}

function active(exchange: Exchange, alg: PublicKey['alg']): PublicKey | undefined {
  return exchange.keys.publicKeys().find((key) => key.state === 'active' && key.alg === alg);
}

/** Two rotations at once would retire a key before partners stop to use it. */
function underWay(exchange: Exchange, alg: PublicKey['alg']): Refusal | undefined {
  const planned = exchange.keys
    .publicKeys()
    .find((key) => key.state === 'future' && key.alg === alg && key.plan !== undefined);
  if (!planned?.plan) return undefined;
  const message = `A rotation is under way: ${planned.kid} is activated at ${at(planned.plan.activateAt)}.`;
  const next = `Wait for it, or take that key back first: caseref keys retire ${planned.kid} --yes`;
  return refuse('state-conflict', '', message, next);
}
