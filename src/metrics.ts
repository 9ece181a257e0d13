import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type SentOutcome = 'accepted' | 'refused' | 'unreachable';

/** Counts and durations of one node. Labels come from closed lists: no partner, no reference, no address. */
export interface Metrics {
  sent(outcome: SentOutcome): void;
  received(outcome: 'taken' | 'refused' | 'limited'): void;
  /** How many calls shared one commit. */
  grouped(kind: 'share' | 'receive' | 'settle', size: number): void;
  waiting(state: 'queued' | 'overdue' | 'dead', count: number): void;
  /** Prometheus text format. */
  text(): Promise<string>;
}

/** Makes the metrics of one node in a registry of its own, so that several nodes can live in one process. */
export function createMetrics(): Metrics {
  const registers = [new Registry()];
  const sent = new Counter({
    name: 'caseref_messages_sent_total',
    help: 'Posts to partners by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const received = new Counter({
    name: 'caseref_messages_received_total',
    help: 'Pushed tokens by outcome',
    labelNames: ['outcome'],
    registers,
  });
  const grouped = new Histogram({
    name: 'caseref_commit_group_size',
    help: 'Calls that shared one commit',
    labelNames: ['kind'],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers,
  });
  const waiting = new Gauge({
    name: 'caseref_deliveries',
    help: 'Deliveries that are not settled, by state',
    labelNames: ['state'],
    registers,
  });
  return {
    sent: (outcome) => sent.inc({ outcome }),
    received: (outcome) => received.inc({ outcome }),
    grouped: (kind, size) => grouped.observe({ kind }, size),
    waiting: (state, count) => waiting.set({ state }, count),
    text: () => registers[0]?.metrics() ?? Promise.resolve(''),
  };
}
