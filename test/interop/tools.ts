import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Json } from '../support/tokens.ts';

// JOSE by others, in other languages. `.ci/run` installs both and sets CASEREF_REQUIRE_INTEROP: a tool that is missing is
// then a failure and not a reason to skip.

const script = fileURLToPath(new URL('jwcrypto-request.py', import.meta.url));
// The distribution's own interpreter first: another one that stands before it on the path has no package of Debian's.
const pythons = ['/usr/bin/python3', 'python3'];

function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

const python = pythons.find((name) => runs(name, '-I', '-c', 'import jwcrypto'));

/** Why the tests of a tool cannot run here; undefined where they can, or where they must. */
function reasonToSkip(present: boolean, debianPackage: string): string | undefined {
  if (present || process.env.CASEREF_REQUIRE_INTEROP === '1') return undefined;
  return `not installed here: apt-get install -y ${debianPackage}`;
}

export const withoutJose = reasonToSkip(runs('jose', 'alg'), 'jose');
export const withoutJwcrypto = reasonToSkip(python !== undefined, 'python3-jwcrypto');

async function run(
  command: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; out: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  // A tool that refuses early closes its input first.
  child.stdin.on('error', () => undefined).end(input);
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { code: code as number | null, out };
}

/** Asks python3-jwcrypto; an answer with `refused` where the signature or the encryption does not hold. */
export async function jwcrypto<Answer = Json>(request: Json): Promise<Answer> {
  const { code, out } = await run(python ?? 'python3', ['-I', script], JSON.stringify(request));
  if (code !== 0) throw new Error(`jwcrypto ended with ${code}`);
  return JSON.parse(out) as Answer;
}

/** Runs `jose` on files named by their content; `undefined` where it refuses. */
export async function jose(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'caseref-jose-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });
  const named = args.map((arg) => (arg in files ? join(folder, arg) : arg));
  const { code, out } = await run('jose', named);
  await rm(folder, { recursive: true });
  return code === 0 ? out : undefined;
}
