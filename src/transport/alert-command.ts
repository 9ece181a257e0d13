import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PATIENCE_MS = 10_000;
/** Nothing of the node's environment reaches the program: the passphrase may stand there. */
const environment = { PATH: '/usr/local/bin:/usr/bin:/bin' };

/** What came of running the operator's command: done, or why not as a stable word. */
export type CommandOutcome = { readonly done: true } | { readonly done: false; readonly code: string };

/**
 * Runs the operator's program with these arguments behind its own, without a shell, with no input, and with its output
 * thrown away: what it prints is its own affair. It and what it started are killed after ten seconds. Never throws.
 */
export async function runAlertCommand(
  command: readonly string[],
  args: readonly string[],
  patienceMs = PATIENCE_MS,
): Promise<CommandOutcome> {
  const [program = '', ...fixed] = command;
  // A group of its own, so that what the program started ends with it.
  const child = spawn(program, [...fixed, ...args], { stdio: 'ignore', detached: true, cwd: '/', env: environment });
  let late = false;
  const alarm = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, patienceMs);
  try {
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (late) return { done: false, code: 'timeout' };
    if (status === 0) return { done: true };
    return { done: false, code: signal === null ? `exit-${status}` : 'killed' };
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException;
    return { done: false, code: code ?? 'failed' };
  } finally {
    clearTimeout(alarm);
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code !== 'ESRCH') throw failure;
  }
}
