import type { Finding } from '../../domain/finding.ts';
import { type Latency, receiptLatencies } from '../../store/latency.ts';
import type { Exchange } from '../context.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A receipt is written as soon as the message is: a partner whose half takes longer is overloaded, or cannot reach us. */
const SLOW_MS = 10 * MINUTE;

/** How long partners took to answer for what they took within the last day; one finding for each that had something to answer. */
export async function examineLatency(exchange: Exchange, issuer?: string): Promise<Finding[]> {
  const since = new Date(exchange.clock() - DAY);
  const latencies = await receiptLatencies(exchange.store.db, since, issuer);
  return [...latencies.values()].map(latencyFinding);
}

/** What the receipts of one partner say of it. */
export function latencyFinding({ partner, count, median, slowest }: Latency): Finding {
  const many = count === 1 ? '1 message' : `${count} messages`;
  const message = `${partner} signed receipts for ${many} of the last day: half of them within ${spoken(median)}, the slowest after ${spoken(slowest)}.`;
  if (median <= SLOW_MS) return { level: 'ok', code: 'receipt-latency', partner, message };
  const next = `Ask its operator whether its node is behind; see what waits: caseref delivery list --state sent --partner ${partner}`;
  return { level: 'warn', code: 'receipts-slow', partner, message, next };
}

function spoken(ms: number): string {
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`;
  return ms < 2 * HOUR ? `${Math.round(ms / MINUTE)} min` : `${Math.round(ms / HOUR)} h`;
}
