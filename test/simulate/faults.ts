/** How often the world is unkind; probabilities of each request, commit or hour. */
export interface Faults {
  /** A request that never arrives, and an answer that never comes back. */
  readonly requestLost: number;
  readonly answerLost: number;
  /** It arrives minutes or hours after its sender gave it up. */
  readonly late: number;
  /** It arrives once more, later. */
  readonly twice: number;
  /** Something in between answers 503, or with a page of its own. */
  readonly busy: number;
  readonly garbage: number;
  /** Of each commit: the process dies before it counts, or after it. */
  readonly crash: number;
  /** Of each hour and pair of nodes: they cannot reach each other for a while. */
  readonly partition: number;
  /** Of each hour and node: it is stopped for a while. */
  readonly stopped: number;
  /** Of each run and node: its store is put back to how it was hours before. */
  readonly restored: number;
  /** Clocks differ from the true time by so many milliseconds at most. */
  readonly driftMs: number;
}

export const faultLevels = ['none', 'some', 'many'] as const;
export type FaultLevel = (typeof faultLevels)[number];

const none: Faults = {
  requestLost: 0,
  answerLost: 0,
  late: 0,
  twice: 0,
  busy: 0,
  garbage: 0,
  crash: 0,
  partition: 0,
  stopped: 0,
  restored: 0,
  driftMs: 0,
};

export const faultsOf: Readonly<Record<FaultLevel, Faults>> = {
  none,
  some: {
    requestLost: 0.02,
    answerLost: 0.02,
    late: 0.01,
    twice: 0.02,
    busy: 0.01,
    garbage: 0.005,
    crash: 0.004,
    partition: 0.01,
    stopped: 0.01,
    restored: 0.06,
    driftMs: 20_000,
  },
  many: {
    requestLost: 0.08,
    answerLost: 0.08,
    late: 0.04,
    twice: 0.06,
    busy: 0.04,
    garbage: 0.02,
    crash: 0.015,
    partition: 0.03,
    stopped: 0.03,
    restored: 0.15,
    driftMs: 50_000,
  },
};
