import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { apiListener } from '../../src/api/listener.ts';

/** Writes schemas/openapi.json from the routes of the node API; with --check it writes nothing and exits 1 on drift. */

const file = new URL('../../schemas/openapi.json', import.meta.url);

/** What must stand in the file. No call is made, so the listener needs none of its parts. */
export async function generateDescription(): Promise<string> {
  const none = undefined as never;
  const app = await apiListener({ exchange: none, authenticate: none, share: none, revise: none, healthy: none });
  await app.ready();
  const description = app.swagger();
  await app.close();
  return `${JSON.stringify(description, null, 2)}\n`;
}

/** What stands in the file. */
export function storedDescription(): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

async function main(checkOnly: boolean): Promise<void> {
  const wanted = await generateDescription();
  if (!checkOnly) return writeFile(file, wanted);
  if ((await storedDescription()) === wanted) return;
  process.stderr.write('schemas/openapi.json is not what the routes say; run: node test/support/openapi.ts\n');
  process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'));
