/**
 * Keeps Node's warning that ML-DSA is experimental off the terminal, and that one only: whoever listened for warnings
 * before this call gets every other one as before. Call it once, before the first key is read.
 */
export function quietMlDsaWarning(): void {
  const listeners = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (isMlDsaWarning(warning)) return;
    for (const listener of listeners) listener.call(process, warning);
  });
}

function isMlDsaWarning({ name, message }: Error): boolean {
  return name === 'ExperimentalWarning' && /^The ML-DSA-\d+ Web Crypto API algorithm is an experimental/.test(message);
}
