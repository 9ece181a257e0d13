import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const source = (name: string) => new URL(`../../src/keys/${name}.ts`, import.meta.url).href;

/** What a process prints to stderr that makes an ML-DSA key and then warns of two other matters. */
async function printed(before: string): Promise<string> {
  const code = `import { quietMlDsaWarning } from '${source('ml-dsa-warning')}'; import { makeKeyPair } from '${source('key-pair')}';
    ${before} await makeKeyPair('ML-DSA-65');
    process.emitWarning('The canary API is an experimental feature', 'ExperimentalWarning');
    process.emitWarning('The ML-DSA-65 canary is deprecated', 'DeprecationWarning');`;
  return (await run(process.execPath, ['--input-type=module', '-e', code])).stderr;
}

test('without the filter Node warns of ML-DSA', async () => {
  expect(await printed('')).toContain('ML-DSA-65 Web Crypto API');
});

test('with the filter it does not, and warns of all else as before', async () => {
  const stderr = await printed('quietMlDsaWarning();');
  expect(stderr).not.toContain('ML-DSA-65 Web Crypto API');
  expect(stderr).toContain('ExperimentalWarning: The canary API');
  expect(stderr).toContain('DeprecationWarning: The ML-DSA-65 canary is deprecated');
});
