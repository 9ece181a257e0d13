import type { SharedDatabase } from './database.ts';
import { schemaOf } from './database.ts';
import type { Kind, Witness } from './network.ts';
import { issuerOf } from './world.ts';

/** What must hold and does not. */
export interface Violation {
  readonly rule: string;
  readonly about: string;
}

export interface Checks extends Witness {
  /** What is cheap, after every step: about what was sent and answered in it. */
  afterStep(): Promise<Violation[]>;
  /** Told of a store that was put back: what it said and heard since is unknown to it. */
  restored(node: number): void;
  restoredIssuers(): ReadonlySet<string>;
  /** All that holds at any moment, over the stores of all nodes. */
  everywhere(): Promise<Violation[]>;
  /** All that holds once everything was healed and is at rest. */
  atRest(): Promise<Violation[]>;
}

interface Claims {
  readonly iss: string;
  readonly aud: string;
  readonly jti: string;
  readonly events: Readonly<Record<string, unknown>>;
  readonly 'urn:caseref:seq'?: { readonly epoch: string; readonly n: number };
}

function claimsOf(token: string): { readonly claims: Claims; readonly payload: string; readonly event: string } {
  const payload = token.split('.')[1] ?? '';
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
  return { claims, payload, event: Object.keys(claims.events)[0]?.split(':').at(-1) ?? '' };
}

interface Posted {
  readonly jti: string;
  readonly to: number;
}

/** Looks at the wire and into the stores, and asks no function of a node how it is doing. */
export function createChecks(
  database: SharedDatabase,
  neighbours: readonly (readonly number[])[],
  troubled: (node: number) => void,
): Checks {
  const payloads = new Map<string, string>();
  const numbers = new Map<string, string>();
  const broken: Violation[] = [];
  const putBack = new Set<number>();
  const posted = new Map<number, Posted[]>();
  const taken = new Map<number, Taken[]>();

  function sent(from: number, to: number, kind: Kind, token: string): void {
    // A node that forgot what it said may say something else under the same name until it notices.
    if (kind !== 'push' || putBack.has(from)) return;
    const { claims, payload, event } = claimsOf(token);
    const name = `${claims.iss} ${claims.jti}`;
    if ((payloads.get(name) ?? payload) !== payload) broken.push({ rule: 'one payload under one jti', about: name });
    payloads.set(name, payload);
    const seq = claims['urn:caseref:seq'];
    if (seq) {
      const number = `${claims.iss} ${claims.aud} ${seq.epoch} ${seq.n}`;
      if ((numbers.get(number) ?? claims.jti) !== claims.jti)
        broken.push({ rule: 'one message under one number', about: number });
      numbers.set(number, claims.jti);
    }
    if (event === 'submitted' || event === 'revised') {
      posted.set(from, [...(posted.get(from) ?? []), { jti: claims.jti, to }]);
    }
  }

  function answered(_: number, to: number, kind: Kind, { status }: { readonly status: string }, token: string): void {
    if (kind !== 'push' || status !== 'accepted') return;
    const { iss: issuer, jti } = claimsOf(token).claims;
    taken.set(to, [...(taken.get(to) ?? []), { issuer, jti }]);
  }

  function told(): Violation[] {
    return broken.splice(0);
  }

  async function perPair(queries: readonly PairRule[]): Promise<Violation[]> {
    const found: Violation[] = [];
    for (const [from, others] of neighbours.entries()) {
      for (const to of others) {
        const lost = putBack.has(from) || putBack.has(to);
        const rules = lost ? queries.filter(({ despiteLoss }) => despiteLoss) : queries;
        if (rules.length > 0) found.push(...(await lookAtPair(database, rules, from, to)));
      }
    }
    return found;
  }

  return {
    sent,
    answered,
    troubled,
    restored: (node) => void putBack.add(node),
    restoredIssuers: () => new Set([...putBack].map(issuerOf)),
    async afterStep() {
      for (const [from, posts] of posted) broken.push(...(await lookAtPosts(database, from, posts)));
      for (const [at, messages] of taken) broken.push(...(await lookAtAnswers(database, at, messages)));
      posted.clear();
      taken.clear();
      return told();
    },
    everywhere: async () => [...told(), ...(await perPair(always))],
    atRest: async () => [...told(), ...(await perPair([...always, ...rested]))],
  };
}

interface Taken {
  readonly issuer: string;
  readonly jti: string;
}

/** What left in this step was allowed to leave by the stored decision, and to somebody who is active. */
async function lookAtPosts(database: SharedDatabase, from: number, posts: readonly Posted[]): Promise<Violation[]> {
  const schema = schemaOf(from);
  const rows = await database.ask<{ jti: string; state: string; effect: string | null }>(
    `select d.jti, p.state, x.effect from ${schema}.delivery d join ${schema}.partner p on p.issuer = d.partner
     left join ${schema}.decision x on x.originator = d.originator and x.id = d.reference_id and x.partner = d.partner
       and x.direction = 'out'
     where d.jti = any($1::text[]) and (p.state <> 'active' or x.effect is distinct from 'send')`,
    [posts.map(({ jti }) => jti)],
  );
  return rows.map(({ jti, state, effect }) => ({
    rule: state === 'active' ? 'nothing leaves without a decision to send' : 'nothing leaves for a suspended partner',
    about: `${issuerOf(from)} ${jti} ${state} ${effect}`,
  }));
}

async function lookAtAnswers(database: SharedDatabase, at: number, messages: readonly Taken[]): Promise<Violation[]> {
  const rows = await database.ask<{ issuer: string; jti: string }>(
    `select w.issuer, w.jti from jsonb_to_recordset($1::jsonb) as w (issuer text, jti text)
     where not exists (select 1 from ${schemaOf(at)}.message m where m.issuer = w.issuer and m.jti = w.jti)`,
    [JSON.stringify(messages)],
  );
  return rows.map(({ issuer, jti }) => ({
    rule: 'what was answered 202 is durable',
    about: `${issuerOf(at)} ${issuer} ${jti}`,
  }));
}

/** A rule about what `from` sent and `to` has: a query for what breaks it. */
interface PairRule {
  readonly rule: string;
  /** Holds between nodes of which one has forgotten something, too. */
  readonly despiteLoss?: true;
  /** `f` and `t` are the schemas, `$1` is the issuer of `from`, `$2` that of `to`; gives `about`. */
  readonly sql: (f: string, t: string) => string;
}

async function lookAtPair(
  database: SharedDatabase,
  rules: readonly PairRule[],
  from: number,
  to: number,
): Promise<Violation[]> {
  const [f, t] = [schemaOf(from), schemaOf(to)];
  const values = [issuerOf(from), issuerOf(to)];
  const text = rules
    .map(
      ({ rule, sql }) =>
        `select '${rule}' as rule, about::text from (${sql(f, t)}) as broken where $1::text <> $2::text`,
    )
    .join('\nunion all\n');
  const rows = await database.ask<Violation>(text, values);
  return rows.map(({ rule, about }) => ({ rule, about: `${values.join(' to ')}: ${about}` }));
}

const always: readonly PairRule[] = [
  {
    rule: 'what is marked as sent was received',
    sql: (f, t) => `select d.jti || ' ' || d.event as about from ${f}.delivery d
      where d.partner = $2 and d.state in ('sent', 'receipted', 'overdue')
        and not exists (select 1 from ${t}.message m where m.issuer = $1 and m.jti = d.jti)`,
  },
  {
    rule: 'what was received was sent, and is the same',
    sql: (f, t) => `select m.jti || ' ' || m.event as about from ${t}.message m
      where m.issuer = $1 and not exists (select 1 from ${f}.delivery d where d.partner = $2 and d.jti = m.jti
        and (d.digest = m.digest or m.digest = any(d.former_digests) or d.body is null and d.plain is null))`,
  },
  {
    rule: 'each message has a receipt, and first ones only one',
    sql: (_, t) => `select m.jti || ' ' || m.event as about from ${t}.message m
      where m.issuer = $1 and m.event not like '%:receipt' and m.event not like '%:voided'
        and 1 <> (select count(*) from ${t}.delivery d where d.partner = $1 and d.event = 'receipt' and d.answers = m.jti
          and d.position = (select min(e.position) from ${t}.delivery e where e.answers = m.jti and e.partner = $1))`,
  },
  {
    rule: 'a number is given once',
    despiteLoss: true,
    sql: (f) => `select epoch || ' ' || n as about from ${f}.delivery
      where partner = $2 and n is not null group by epoch, n having count(*) > 1`,
  },
  {
    rule: 'a number is voided once, and once more by each replay of it',
    despiteLoss: true,
    sql: (f) => `select v.epoch || ' ' || v.n as about from (
        select (d.payload ->> 'epoch')::uuid as epoch, k.n, count(*) as times from ${f}.delivery d
        cross join lateral jsonb_array_elements(d.payload -> 'ranges') as r (run)
        cross join lateral generate_series((r.run ->> 0)::bigint, least((r.run ->> 1)::bigint, coalesce((
          select max(o.n) from ${f}.delivery o where o.partner = $2 and o.epoch = (d.payload ->> 'epoch')::uuid), 0))) as k (n)
        where d.partner = $2 and d.event = 'voided' and d.state <> 'dropped' group by 1, 2) as v
      where v.times > 1 + (select count(*) from ${f}.replay p
        where p.partner = $2 and p.epoch = v.epoch and v.n between p.from_n and p.to_n)`,
  },
  {
    rule: 'what is closed on the word of a partner waits for a person who was told',
    despiteLoss: true,
    sql: (f) => `select r.id as about from ${f}.unknown_receipt u
      join ${f}.reference r on r.originator = u.originator and r.id = u.reference_id and r.direction = 'out'
      where u.partner = $2 and u.restricted and r.veiled_state is not null and not exists (
        select 1 from ${f}.alert a where a.code = 'withdrawn-before-loss' and a.acknowledged_at is null
          and (a.subject = r.id::text or a.scope = 'more'))`,
  },
  {
    rule: 'nobody has a later revision than its originator',
    sql: (
      f,
      t,
    ) => `select r.id as about from ${t}.reference r join ${f}.reference o on o.originator = r.originator and o.id = r.id
      where r.originator = $1 and r.direction = 'in' and r.revision > o.revision`,
  },
];

/** States in which a reference is out of every face. */
const closed = `('sealed', 'purged', 'expired', 'restricted')`;

/**
 * SQL over a delivery `d` of a node: why it does not come again though it was lost. Its reference is closed, or a later message to
 * the same partner stands in its place: then it is not overdue any more. Or a person has not decided yet whether it may go.
 */
export const endsUnsaid = (f: string) => `(d.event in ('submitted', 'revised') and (
    exists (select 1 from ${f}.decision x where x.originator = d.originator and x.id = d.reference_id
      and x.partner = d.partner and x.direction = 'out' and x.effect = 'hold')
    or d.state = 'sent' and (
      exists (select 1 from ${f}.reference r where r.originator = d.originator and r.id = d.reference_id and r.state in ${closed})
      or exists (select 1 from ${f}.delivery l where l.partner = d.partner and l.reference_id = d.reference_id
        and l.position > d.position and l.event in ('submitted', 'revised', 'withdrawn') and l.state not in ('dead', 'dropped')))))`;

const rested: readonly PairRule[] = [
  {
    rule: 'every recovery came to its end by itself',
    despiteLoss: true,
    sql: (f) => `select v.because || ' ' || v.epoch as about from ${f}.recovery v
      where v.partner = $2 and (v.opened_at is null or v.resumed_at is null or 'operator' in (v.opened_by, v.resumed_by))`,
  },
  {
    rule: 'no replay is waited for any more',
    despiteLoss: true,
    sql: (f) => `select q.epoch || ' ' || q.from_n || ' ' || q.state as about from ${f}.replay_request q
      where q.partner = $2 and q.state in ('wanted', 'granted')`,
  },
  {
    rule: 'nothing of its own stays closed once a person has decided',
    despiteLoss: true,
    sql: (f) => `select r.id as about from ${f}.reference r where r.direction = 'out' and r.veiled_state is not null`,
  },
  {
    rule: 'nothing waits to be sent',
    despiteLoss: true,
    sql: (
      f,
    ) => `select d.jti || ' ' || d.event || ' ' || coalesce(d.last_code, '') || ' ' || d.attempts as about from ${f}.delivery d
      where d.partner = $2 and d.state = 'queued'`,
  },
  {
    rule: 'nothing was given up',
    despiteLoss: true,
    sql: (f) => `select d.jti || ' ' || d.event || ' ' || coalesce(d.last_code, '') as about from ${f}.delivery d
      where d.partner = $2 and d.state = 'dead'`,
  },
  {
    rule: 'what was sent is receipted',
    despiteLoss: true,
    // What a node took and lost with its receipt does not come again where its sender may not say it any more: a replay voids
    // its number (protocol, "Event types" and "Loss and restore"), and nobody has a message left to answer.
    sql: (f, t) => `select d.jti || ' ' || d.event || ' ' || d.state as about from ${f}.delivery d
      where d.partner = $2 and d.state in ('sent', 'overdue') and d.event not in ('receipt', 'voided')
        and not (${endsUnsaid(f)}
          and exists (select 1 from ${t}.voided_run v where v.partner = $1 and v.epoch = d.epoch and d.n between v.first and v.last)
          and not exists (select 1 from ${t}.message m where m.issuer = $1 and m.jti = d.jti))`,
  },
  {
    rule: 'both sides know the same outcome',
    sql: (f, t) => `select d.jti || ' ' || d.event || ' ' || coalesce(d.outcome, 'none') || ' ' || m.outcome as about
      from ${f}.delivery d join ${t}.message m on m.issuer = $1 and m.jti = d.jti
      where d.partner = $2 and d.event not in ('receipt', 'voided') and m.suspect_at is null and d.outcome is distinct from m.outcome
        and not (m.outcome = 'sealed' and d.outcome = 'purged')`,
  },
  {
    rule: 'numbers have no holes',
    despiteLoss: true,
    sql: (
      f,
      t,
    ) => `select s.epoch || ' ' || k.n as about from ${f}.partner_stream s cross join lateral generate_series(1, s.n) as k (n)
      where s.partner = $2
        and not exists (select 1 from ${t}.message m where m.issuer = $1 and m.epoch = s.epoch and m.n = k.n)
        and not exists (select 1 from ${t}.incoming_stream i where i.partner = $1 and i.epoch = s.epoch and i.floor >= k.n)
        and not exists (select 1 from ${t}.voided_run v where v.partner = $1 and v.epoch = s.epoch and k.n between v.first and v.last)`,
  },
  {
    rule: 'what was withdrawn is closed at everybody who has it',
    despiteLoss: true,
    sql: (
      f,
      t,
    ) => `select r.id || ' ' || r.state as about from ${t}.reference r join ${f}.reference o on o.originator = r.originator and o.id = r.id
      where r.originator = $1 and r.direction = 'in' and r.state not in ${closed} and o.withdrawn_reason is not null
        and not exists (select 1 from ${t}.held_withdrawal h where h.issuer = $1 and h.reference_id = r.id)
        and not exists (select 1 from ${t}.message m where m.issuer = $1 and m.reference_id = r.id and m.event like '%:withdrawn'
          and m.outcome = 'refused')`,
  },
  {
    // What it had and lost comes again by the policy of today only.
    rule: 'who has a reference has its last disclosed revision, as far as it may have it today',
    despiteLoss: true,
    sql: (f, t) => `select r.id || ' ' || r.revision as about from ${t}.reference r
      join ${f}.decision x on x.originator = r.originator and x.id = r.id and x.partner = $2 and x.direction = 'out'
        and x.effect = 'send'
      where r.originator = $1 and r.direction = 'in' and r.state = 'open' and r.revision < (
        select max(d.revision) from ${f}.delivery d where d.partner = $2 and d.reference_id = r.id and d.outcome = 'accepted'
          and d.event in ('submitted', 'revised'))`,
  },
];
