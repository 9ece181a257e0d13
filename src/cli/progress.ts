/** Progress of long work; `advance` takes how much was done since the last call. */
export interface Progress {
  advance(count: number): void;
  /** Ends it: the updating line is cleared, and nothing is drawn any more. */
  end(): void;
}

export interface ProgressOptions {
  readonly label: string;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** Undefined where it cannot be known, as with standard input; then neither share nor remaining time is shown. */
  readonly total?: number | undefined;
  /** Counted in the total, where that is not what is shown (bytes of a file of lines). */
  readonly measured?: (() => number) | undefined;
}

export interface ProgressLine {
  /** One line that replaces the last, or a line of its own where nothing can be replaced. */
  draw(text: string): void;
  clear(): void;
  readonly updating: boolean;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** An updating line is redrawn ten times a second at most; plain lines come seldom, since they fill logs. */
const UPDATE_MS = 100;
const PLAIN_MS = 5000;

/** Draws one updating line on a terminal, and a plain line every five seconds elsewhere. */
export function trackProgress(options: ProgressOptions, line: ProgressLine): Progress {
  const started = line.clock();
  const every = line.updating ? UPDATE_MS : PLAIN_MS;
  let drawn = line.updating ? Number.NEGATIVE_INFINITY : started;
  let done = 0;
  return {
    advance(count) {
      done += count;
      const now = line.clock();
      if (now - drawn < every) return;
      drawn = now;
      line.draw(describe(options, done, (now - started) / 1000));
    },
    end: () => line.clear(),
  };
}

function describe({ label, unit, total, measured }: ProgressOptions, done: number, seconds: number): string {
  const parts = [`${label}  ${counted(done)} ${unit}`];
  const through = measured?.() ?? done;
  if (total !== undefined && total > 0) parts.push(`${Math.min(100, Math.floor((through / total) * 100))} %`);
  if (seconds > 0.5) parts.push(`${counted(Math.round(done / seconds))} a second`);
  if (total !== undefined && through > 0 && seconds > 0.5) {
    parts.push(`${duration((Math.max(0, total - through) * seconds) / through)} left`);
  }
  return parts.join(', ');
}

/** A count with thin groups of three, as the documents write it. */
export function counted(count: number): string {
  return count.toLocaleString('en-GB');
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
