import { expect, test } from 'vitest';
import { drift, generate } from '../support/contract.ts';

test('the generated files say what the schemas say', async () => {
  expect(await drift()).toEqual([]);
});

test('the types come out once, under the names that the code uses', async () => {
  const source = (await generate()).get('src/domain/contract.types.ts') ?? '';
  const names = [...source.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
  expect(names.sort()).toEqual(
    [
      ...['Access', 'Assessment', 'CaseReference', 'Concerned', 'Contact', 'Coverage', 'Deny'],
      ...['Desk', 'DeskHours', 'Disclose', 'Endpoints'],
      ...[
        'Handle',
        'Hosting',
        'IndustryReference',
        'IndustryRevised',
        'Instant',
        'Instruction',
        'Issuer',
        'Jurisdiction',
        'KeySet',
        'KeySetKey',
        'Marking',
      ],
      ...['Organisation', 'PeerCard', 'Policy', 'Problem', 'ReceiveRule', 'Receipt', 'Revised', 'SendRule', 'Site'],
      ...['SourceRef', 'Submission', 'Urgency', 'Uuid', 'Verify', 'Voided', 'When', 'Withdrawn'],
      ...['Acknowledged', 'Acted', 'Assessed', 'Clearance', 'Feedback', 'Handover', 'Hold', 'Relayed', 'ToldBy'],
    ].sort(),
  );
  expect(source).not.toMatch(/\bany\b|\bunknown\b/);
});
