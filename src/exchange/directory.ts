import { type CodeLists, withImported } from '../domain/code-lists.ts';
import type { Contact, Deny, Endpoints, Issuer, Policy } from '../domain/contract.types.ts';
import type { PartnerFacts } from '../domain/decision.ts';
import type { EncryptionTerms } from '../domain/encryption.ts';
import { activeCodeLists } from '../store/code-lists.ts';
import type { Database } from '../store/open.ts';
import { denyRows, directoryVersion, partnerKeyRows, partnerRows, policyRows } from '../store/partners.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';
import { keySetTerms } from '../wire/keyset.ts';
import { type PartnerKeys, type PinnedKey, pinKeys } from '../wire/pinned.ts';

export interface PartnerEntry {
  readonly facts: PartnerFacts;
  readonly name: string;
  /** Its numbers, as its card gives them. */
  readonly contact: Contact | undefined;
  readonly state: 'pending' | 'active' | 'suspended';
  readonly foreign: boolean;
  readonly local: boolean;
  readonly keys: PartnerKeys;
  readonly endpoints: Endpoints;
  readonly policy: Policy | undefined;
  /** Signature algorithms that it verifies, by its key set. */
  readonly algs: readonly string[];
  readonly encryption: EncryptionTerms;
}

export interface Snapshot {
  readonly version: number;
  readonly partners: ReadonlyMap<Issuer, PartnerEntry>;
  readonly denies: readonly Deny[];
  /** The code lists of this node: those of the release and what was imported. */
  readonly codes: CodeLists;
}

/**
 * Partners, their pinned keys, policies and the organisation-wide denies, as of one version. Kept in memory and asked
 * anew whenever the version in the store has moved, so that a suspension in another process counts at the next
 * transaction, and no message is verified or decided from a view that is older than its own transaction.
 */
export interface Directory {
  current(): Promise<Snapshot>;
  /** The snapshot of exactly the version that this transaction sees; never after `bumpDirectory` in the same one. */
  within(trx: Database): Promise<Snapshot>;
}

/** A key set is still used for this long after its `exp`, while refreshes fail. */
const GRACE_SECONDS = 14 * 24 * 60 * 60;

/** Keys of an algorithm that the policy does not name stay known, and verify nothing. */
function withAlgorithms(pinned: PartnerKeys, algs: readonly string[] | undefined): PartnerKeys {
  if (algs === undefined) return pinned;
  const shut = ([kid, key]: [string, PinnedKey]): [string, PinnedKey] =>
    key.use !== 'sig' || algs.includes(key.alg) ? [kid, key] : [kid, { ...key, key: undefined }];
  return { ...pinned, keys: new Map([...pinned.keys].map(shut)) };
}

async function load(db: Database, version: number): Promise<Snapshot> {
  const partners = await partnerRows(db);
  const keys = Map.groupBy(await partnerKeyRows(db), (row) => row.issuer);
  const policies = new Map((await policyRows(db)).map((row) => [row.partner, row.document]));
  const entries = new Map<Issuer, PartnerEntry>();
  for (const row of partners) {
    if (row.state === 'removed') continue;
    const policy = policies.get(row.issuer);
    const terms = keySetTerms(row.key_set);
    const pinned = await pinKeys({
      issuer: row.issuer,
      state: row.state,
      foreign: row.foreign_client,
      keys: keys.get(row.issuer) ?? [],
      staleAt: row.key_set_exp + GRACE_SECONDS,
    });
    entries.set(row.issuer, {
      facts: { issuer: row.issuer, type: row.type, jurisdictions: row.jurisdictions },
      name: row.name,
      contact: row.contact ?? undefined,
      state: row.state,
      foreign: row.foreign_client,
      local: row.is_local,
      endpoints: row.endpoints,
      policy,
      keys: withAlgorithms(pinned, policy?.security?.algs),
      algs: terms.algs,
      encryption: {
        // A loopback issuer is a partner of a loopback node only.
        bothLoopback: isLoopbackIssuer(row.issuer),
        foreign: row.foreign_client,
        policy: policy?.security?.encryption,
        keySet: terms.encryption,
      },
    });
  }
  const denies = (await denyRows(db)).map((row) => row.document);
  return { version, partners: entries, denies, codes: withImported(await activeCodeLists(db)) };
}

export function createDirectory(db: Database, clock: () => number, freshForMs = 500): Directory {
  let cached: Snapshot | undefined;
  let checkedAt = 0;

  async function within(trx: Database): Promise<Snapshot> {
    const version = await directoryVersion(trx);
    if (cached?.version === version) return cached;
    cached = await load(trx, version);
    return cached;
  }

  return {
    within,
    async current() {
      const now = clock();
      if (cached && now - checkedAt < freshForMs && now >= checkedAt) return cached;
      const snapshot = await within(db);
      checkedAt = now;
      return snapshot;
    },
  };
}
