import { answers } from '../store/counts.ts';
import type { Exchange } from './context.ts';

const PATIENCE_MS = 3000;

/** Tells whether the node can do its work: the store answers in time. Asked once for all who ask at the same time. */
export function createHealth({ store }: Pick<Exchange, 'store'>): () => Promise<boolean> {
  let asking: Promise<boolean> | undefined;
  async function ask(): Promise<boolean> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const alarm = setTimeout(() => resolve(false), PATIENCE_MS);
    const well = await Promise.race([answers(store.db).catch(() => false), late]);
    clearTimeout(alarm);
    return well;
  }
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}
