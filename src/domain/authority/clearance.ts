import { isPolice, type PartyOf } from './party.ts';
import { type Desk, deskOf, ofEvent, type Statement, type StatementOf, sameDesk } from './statement.ts';

type Said = StatementOf<'clearance'>;

/** How long a request is waited for at most, in milliseconds: a deadline that never comes would stop everything, and alert nobody. */
const LONGEST_WAIT = 90 * 86_400_000;

/** A refusal that came when nobody waited for it any more: it acts as a hold, until the same desk grants. */
export interface LateRefusal {
  readonly desk: Desk;
  readonly relayed: boolean;
  readonly said: number;
  readonly lifted?: number;
}

/** Whether the host may be told, as far as it was asked; times in milliseconds since 1970. */
export interface Clearance {
  readonly status: 'none' | 'open' | 'granted' | 'refused' | 'timed-out';
  readonly firstAskedAt?: number;
  readonly askedAt?: number;
  readonly deadline?: number;
  readonly answeredAt?: number;
  readonly answeredBy?: Desk;
  /** Granted after its deadline. */
  readonly late?: boolean;
  /** One desk granted and another refused. */
  readonly contradicted: boolean;
  readonly lateRefusals: readonly LateRefusal[];
}

interface Round {
  readonly askedAt: number;
  deadline: number;
  readonly answers: Said[];
}

/**
 * What the requests for clearance have come to (rule 6). Any refusal in time beats a grant, whichever was said first; a refusal
 * holds until a later request is granted, so that asking again and waiting never undoes it. A grant may be late. `log` as
 * `readLog` gives it.
 */
export function clearanceOf(log: readonly Statement[], partyOf: PartyOf, now: number): Clearance {
  const said = ofEvent(log, 'clearance').filter((one) => one.payload.step === 'requested' || isAnswer(one, partyOf));
  const { rounds, loose } = roundsOf(said);
  const grants = said.filter(({ payload }) => payload.step === 'granted');
  const late = [...loose, ...rounds.flatMap(({ answers, deadline }) => answers.filter((one) => one.said > deadline))];
  const lateRefusals = late.filter(({ payload }) => payload.step === 'refused').map((one) => refusalOf(one, grants));
  const [first] = rounds;
  return {
    ...conclude(rounds.map((round) => settle(round, now))),
    ...(first && { firstAskedAt: first.askedAt }),
    lateRefusals,
  };
}

type Settled = Omit<Clearance, 'lateRefusals' | 'firstAskedAt'>;

function conclude(settled: readonly Settled[]): Settled {
  const last = settled.at(-1) ?? { status: 'none', contradicted: false };
  if (last.status !== 'timed-out') return last;
  const before = settled.findLast(({ status }) => status === 'granted' || status === 'refused');
  return before?.status === 'refused' ? { ...before, ...pick(last) } : last;
}

function pick({ askedAt, deadline }: Settled): Pick<Settled, 'askedAt' | 'deadline'> {
  return { ...(askedAt !== undefined && { askedAt }), ...(deadline !== undefined && { deadline }) };
}

/** A request made while another still waits only moves its deadline back, so far as there is a limit; answers belong to the request before them. */
function roundsOf(said: readonly Said[]): { rounds: Round[]; loose: Said[] } {
  const rounds: Round[] = [];
  const loose: Said[] = [];
  for (const one of said) {
    const current = rounds.at(-1);
    if (one.payload.step !== 'requested') {
      (current?.answers ?? loose).push(one);
      continue;
    }
    const stated = one.payload.deadline === undefined ? one.said : Date.parse(one.payload.deadline);
    const waits = current !== undefined && current.answers.length === 0 && one.said <= current.deadline;
    const askedAt = waits ? current.askedAt : one.said;
    const deadline = Math.min(stated, askedAt + LONGEST_WAIT);
    if (waits) current.deadline = Math.max(current.deadline, deadline);
    else rounds.push({ askedAt, deadline, answers: [] });
  }
  return { rounds, loose };
}

function settle({ askedAt, deadline, answers }: Round, now: number): Settled {
  const grant = answers.find(({ payload }) => payload.step === 'granted');
  const refusal = answers.find(({ payload, said }) => payload.step === 'refused' && said <= deadline);
  const contradicted = grant !== undefined && answers.some(({ payload }) => payload.step === 'refused');
  const answer = refusal ?? grant;
  const asked = { askedAt, deadline, contradicted };
  if (answer === undefined) return { status: now <= deadline ? 'open' : 'timed-out', ...asked };
  const told = { ...asked, answeredAt: answer.said, answeredBy: deskOf(answer) };
  if (refusal !== undefined) return { status: 'refused', ...told };
  return { status: 'granted', ...told, late: answer.said > deadline };
}

function refusalOf(refusal: Said, grants: readonly Said[]): LateRefusal {
  const desk = deskOf(refusal);
  const lift = grants.find((grant) => grant.said > refusal.said && sameDesk(deskOf(grant), desk));
  return { desk, relayed: refusal.relayed, said: refusal.said, ...(lift && { lifted: lift.said }) };
}

function isAnswer({ by, relayed, payload }: Said, partyOf: PartyOf): boolean {
  return isPolice({ party: partyOf(by), relayed, toldBy: payload.toldBy });
}
