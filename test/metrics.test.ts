import { expect, test } from 'vitest';
import { createMetrics } from '../src/metrics.ts';

test('what was counted stands in the text, by outcome', async () => {
  const metrics = createMetrics();
  metrics.sent('accepted');
  metrics.sent('accepted');
  metrics.sent('unreachable');
  metrics.waiting('queued', 7);
  const text = await metrics.text();
  expect(text).toContain('caseref_messages_sent_total{outcome="accepted"} 2');
  expect(text).toContain('caseref_messages_sent_total{outcome="unreachable"} 1');
  expect(text).toContain('caseref_deliveries{state="queued"} 7');
});

test('two nodes of one process count apart', async () => {
  const [first, second] = [createMetrics(), createMetrics()];
  first.received('taken');
  expect(await first.text()).toContain('caseref_messages_received_total{outcome="taken"} 1');
  expect(await second.text()).not.toContain('outcome="taken"');
});
