import { type Refusal, refuse } from '../domain/refusal.ts';
import { isLoopbackIssuer } from '../wire/issuer.ts';

/** Signed receipts outlive the store that they attest: away from one machine, an engine that runs without fsync will not do. */
export function checkDurability(issuer: string, store: 'embedded' | 'postgres'): Refusal | undefined {
  if (store === 'postgres' || isLoopbackIssuer(issuer)) return undefined;
  return refuse(
    'setting-invalid',
    '/schema',
    'The embedded store can lose in a power cut what this node has signed for.',
    'Make the node with --database for PostgreSQL, or run it as a trial: caseref serve --trial.',
  );
}
