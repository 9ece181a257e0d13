import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import manifest from '../../package.json' with { type: 'json' };
import { makeStoreTemplate } from '../../src/node.ts';

const root = new URL('../../', import.meta.url);

/**
 * A migrated embedded store to copy from: making one takes seconds, copying it a fraction. It is kept between runs under
 * a name that changes with the migrations and the engine, and appears whole or not at all.
 */
export async function storeTemplate(): Promise<string> {
  const cache = fileURLToPath(new URL('node_modules/.cache/caseref/', root));
  const template = join(cache, await templateName());
  if (existsSync(template)) return template;
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'draft-'));
  const refusal = await makeStoreTemplate(draft);
  if (refusal) throw new Error(`no template: ${refusal.message}`);
  // Another test file may have been quicker; its template is as good.
  await rename(draft, template).catch(() => rm(draft, { recursive: true, force: true }));
  return template;
}

async function templateName(): Promise<string> {
  const folder = new URL('src/store/migrations/', root);
  const hash = createHash('sha256').update(manifest.dependencies['@electric-sql/pglite']).update(process.version);
  for (const name of (await readdir(folder)).sort()) hash.update(await readFile(new URL(name, folder)));
  return `store-${hash.digest('hex').slice(0, 16)}`;
}
