/** What we granted a partner: the numbers from `from_n` to `to_n` of one of our epochs, put back up to before `next_n`. */
export interface ReplayTable {
  id: string;
  partner: string;
  epoch: string;
  from_n: number;
  to_n: number;
  next_n: number;
  messages: number;
  /** `ended`: the partner that asked is none any more. */
  state: 'running' | 'done' | 'ended';
  asked_at: Date;
  finished_at: Date | null;
}

/** Numbers of a partner's stream, both ends included, that did not come in time. */
export interface GapTable {
  partner: string;
  epoch: string;
  first: number;
  last: number;
  found_at: Date;
  looked_at: Date | null;
  closed_at: Date | null;
  why: 'arrived' | 'voided' | 'lost' | 'jump' | null;
}

/** What we want a partner to send once more. `to_n` is known once it granted it. */
export interface ReplayRequestTable {
  id: string;
  partner: string;
  epoch: string;
  from_n: number;
  to_n: number | null;
  /** `gap`: numbers are missing; `state`: one side has lost what it knew. */
  cause: 'gap' | 'state';
  state: 'wanted' | 'granted' | 'done' | 'refused';
  code: string | null;
  /** Times that it was asked for since it was granted last. */
  attempts: number;
  /** Times that the partner granted it. */
  grants: number;
  created_at: Date;
  next_at: Date;
  asked_at: Date | null;
  settled_at: Date | null;
  lease: string | null;
  lease_until: Date | null;
}
