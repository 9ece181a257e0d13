/** One line of a streamed body; `bytes` is absent where the line was longer than the limit. */
export interface Line {
  readonly line: number;
  readonly bytes?: Buffer;
}

const NEWLINE = 0x0a;

/** Splits a byte stream at line feeds, holding one line at most; empty lines are counted and left out. */
export async function* readLines(source: AsyncIterable<Buffer>, longest: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let size = 0;
  let line = 1;
  const take = (): Line | undefined => {
    const bytes = Buffer.concat(parts);
    const taken = size > longest ? { line } : { line, bytes };
    const empty = size <= longest && bytes.toString('latin1').trim() === '';
    parts = [];
    size = 0;
    line += 1;
    return empty ? undefined : taken;
  };
  const keep = (bytes: Buffer) => {
    size += bytes.length;
    if (size <= longest) parts.push(bytes);
    else parts = [];
  };
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      const taken = take();
      if (taken) yield taken;
    }
    keep(chunk.subarray(from));
  }
  const last = size > 0 ? take() : undefined;
  if (last) yield last;
}

/**
 * Works on at most `window` entries at a time and answers in their order. An answer that is ready leaves at once, also
 * while the next entry is still on its way, so that a client may wait for each result before it sends more.
 */
export async function* inOrder<In, Out>(
  source: AsyncIterable<In>,
  work: (one: In) => Promise<Out>,
  window: number,
): AsyncGenerator<Out> {
  const arrivals = source[Symbol.asyncIterator]();
  const answers: Promise<Out>[] = [];
  let arriving: Promise<IteratorResult<In>> | undefined;
  let ended = false;
  try {
    while (!ended || answers.length > 0) {
      if (!ended && answers.length < window) arriving ??= arrivals.next();
      const [first] = answers;
      const events = [first?.then(() => 'answer' as const), arriving?.then(() => 'arrival' as const)];
      const next = await Promise.race(events.filter((one) => one !== undefined));
      if (next === 'answer') {
        yield await (answers.shift() as Promise<Out>);
      } else {
        const arrival = await (arriving as Promise<IteratorResult<In>>);
        arriving = undefined;
        if (arrival.done) ended = true;
        else answers.push(work(arrival.value));
      }
    }
  } finally {
    // The reader may have gone: what is under way still ends, and nobody is left to hear of its failure.
    for (const answer of answers) answer.catch(() => undefined);
    arriving?.catch(() => undefined);
    void arrivals.return?.().catch(() => undefined);
  }
}
