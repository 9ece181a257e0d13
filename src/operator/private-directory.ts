import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** `sun_path` of a Unix socket holds 108 bytes with its end on Linux. */
const LONGEST_PATH = 107;

/** What a running node wrote down of itself in DATA/run/<pid>.json. */
export interface RunRecord {
  readonly pid: number;
  readonly socket: string;
  readonly startedAt: string;
  readonly node: string;
}

/** Where a node of this process listens for its operator; `remove` takes the socket, its folder and the record away. */
export interface SocketPlace {
  readonly path: string;
  remove(): Promise<void>;
}

/** Chooses the socket's path: in the node's directory, or, where that is too long for a socket, in a private folder. */
export async function chooseSocketPlace(directory: string): Promise<SocketPlace> {
  const name = `operator-${process.pid}.sock`;
  const usual = join(directory, name);
  if (Buffer.byteLength(usual) <= LONGEST_PATH) {
    await rm(usual, { force: true });
    return { path: usual, remove: () => rm(usual, { force: true }) };
  }
  // mkdtemp makes the folder with mode 0700 under a name that nobody can guess or have made before.
  const folder = await mkdtemp(join(tmpdir(), 'caseref-'));
  return { path: join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) };
}

function runFolder(directory: string): string {
  return join(directory, 'run');
}

/** Writes down where this process can be reached; the answer takes the record away. */
export async function recordRun(directory: string, socket: string, startedAt: string): Promise<() => Promise<void>> {
  const folder = runFolder(directory);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await forgetDead(directory);
  const file = join(folder, `${process.pid}.json`);
  const record: RunRecord = { pid: process.pid, socket, startedAt, node: process.version };
  await writeFile(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  return () => rm(file, { force: true });
}

/** Records of nodes on this directory whose process lives, this one's too. */
async function livingRuns(directory: string): Promise<RunRecord[]> {
  const records = await Promise.all(
    (await runFiles(directory)).map((name) => readRecord(join(runFolder(directory), name))),
  );
  return records.filter((record) => record !== undefined).filter(({ pid }) => lives(pid));
}

async function runFiles(directory: string): Promise<string[]> {
  const names = await readdir(runFolder(directory)).catch(() => []);
  return names.filter((name) => /^\d+\.json$/.test(name));
}

async function readRecord(path: string): Promise<RunRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as Partial<RunRecord>;
    return Number.isInteger(record.pid) && typeof record.socket === 'string' ? (record as RunRecord) : undefined;
  } catch {
    return undefined;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (failure) {
    return (failure as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A killed node leaves its socket and record behind: they go with the next start. */
async function forgetDead(directory: string): Promise<void> {
  const living = new Set((await livingRuns(directory)).map(({ pid }) => pid));
  const dead = (pid: string | undefined) =>
    pid !== undefined && !living.has(Number(pid)) && Number(pid) !== process.pid;
  for (const name of await runFiles(directory)) {
    if (dead(/^(\d+)\.json$/.exec(name)?.[1])) await rm(join(runFolder(directory), name), { force: true });
  }
  for (const name of await readdir(directory)) {
    if (dead(/^operator-(\d+)\.sock$/.exec(name)?.[1])) await rm(join(directory, name), { force: true });
  }
}

/**
 * The socket of a node that runs on this directory, or undefined. A process with the pid of a dead node proves nothing, so
 * the socket is tried.
 */
export async function findRunningNode(directory: string): Promise<string | undefined> {
  for (const { socket } of await livingRuns(directory)) {
    if (await accepts(socket)) return socket;
  }
  return undefined;
}

const PATIENCE_MS = 2000;

function accepts(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path, timeout: PATIENCE_MS });
  const end = (answer: boolean) => {
    socket.destroy();
    resolve(answer);
  };
  socket.once('connect', () => end(true));
  socket.once('error', () => end(false));
  socket.once('timeout', () => end(false));
  return promise;
}
