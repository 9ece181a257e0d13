/** How long the calls of a failed batch may be run one after the other, in milliseconds. */
const ALONE_MS = 5000;

/**
 * Lets calls that arrive at the same time share one transaction: while one batch runs, arrivals wait and become the
 * next. A durable commit costs about the same for one row as for a hundred, so this is what makes single requests
 * affordable; alone, a call waits for nobody. When a batch fails each of its calls is run alone, so that one poisoned
 * call fails by itself; where even that takes long (the store is away, and each attempt waits for it), the rest fails with
 * the batch, so that callers are told and the next batch is not kept back.
 */
export function gather<In, Out>(
  run: (batch: readonly In[]) => Promise<readonly Out[]>,
  limits: { readonly most: number; readonly aloneMs?: number },
): (call: In) => Promise<Out> {
  interface Waiting {
    readonly call: In;
    readonly resolve: (answer: Out) => void;
    readonly reject: (failure: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let running = false;

  async function runOne(batch: readonly Waiting[]): Promise<void> {
    try {
      const answers = await run(batch.map((one) => one.call));
      batch.forEach((one, index) => {
        one.resolve(answers[index] as Out);
      });
    } catch (failure) {
      if (batch.length === 1) return batch[0]?.reject(failure);
      const until = performance.now() + (limits.aloneMs ?? ALONE_MS);
      for (const one of batch) {
        if (performance.now() > until) one.reject(failure);
        else await runOne([one]);
      }
    }
  }

  async function drain(): Promise<void> {
    running = true;
    // One turn of the event loop lets requests that came in with the same read join the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = waiting.slice(0, limits.most);
      waiting = waiting.slice(limits.most);
      await runOne(batch);
    }
    running = false;
  }

  return (call) =>
    new Promise<Out>((resolve, reject) => {
      waiting.push({ call, resolve, reject });
      if (!running) void drain();
    });
}
