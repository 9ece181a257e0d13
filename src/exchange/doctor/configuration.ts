import { access, constants } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Listen, NodeSettings, RunSettings } from '../../config.ts';
import type { Finding } from '../../domain/finding.ts';
import { isPublicAddress } from '../../transport/address.ts';
import { isLoopbackIssuer } from '../../wire/issuer.ts';

const everywhere = new Set(['0.0.0.0', '::']);
const inner = ['api', 'portal', 'private'] as const;

/** What is wrong with how the node is set up; nothing is asked of anybody. */
export async function examineConfiguration(settings: NodeSettings, run: RunSettings): Promise<Finding[]> {
  const findings = [
    ...examineStoreChoice(settings, run),
    ...inner.flatMap((name) => examineInner(name, settings[name])),
    ...examinePeer(settings, run),
    ...(await examineCommand(run.alertCommand)),
  ];
  const well = findings.every(({ level }) => level === 'note');
  const fine: Finding = { level: 'ok', code: 'configuration', message: 'The settings do not contradict each other.' };
  return well ? [...findings, fine] : findings;
}

function examineStoreChoice({ issuer }: NodeSettings, { store }: RunSettings): Finding[] {
  if (store.kind === 'postgres') return [];
  if (isLoopbackIssuer(issuer)) {
    const message =
      'The store is the embedded one: for trials on this machine, a power cut can lose what was answered.';
    return [{ level: 'note', code: 'store-embedded', message }];
  }
  return [
    {
      level: 'bad',
      code: 'store-trial',
      message: 'Partners reach this node, and its embedded store can lose in a power cut what it has signed for.',
      next: 'Make the node anew with PostgreSQL: caseref init --database URL',
    },
  ];
}

/** A listener for our own people has no business on the internet. */
function examineInner(name: (typeof inner)[number], listen: Listen | undefined): Finding[] {
  if (!listen) return [];
  const next = `Set "${name}" in node.json to an address of your own network, such as 127.0.0.1:${listen.port}.`;
  if (everywhere.has(listen.host)) {
    const message = `The ${name} listener listens on every address of this machine.`;
    return [{ level: 'warn', code: 'listener-everywhere', message, next }];
  }
  if (!isPublicAddress(listen.host)) return [];
  const message = `The ${name} listener listens on a public address: ${listen.host}.`;
  return [{ level: 'bad', code: 'listener-public', message, next }];
}

function examinePeer({ issuer, peer }: NodeSettings, { trustProxy }: RunSettings): Finding[] {
  if (isLoopbackIssuer(issuer)) return [];
  const behind = peer.host === 'localhost' || peer.host.startsWith('127.') || peer.host === '::1';
  if (behind && !trustProxy) {
    const message = 'A proxy stands before the peer listener and is not trusted: all partners share one rate limit.';
    return [{ level: 'warn', code: 'proxy-untrusted', message, next: 'Set CASEREF_TRUST_PROXY=1 and start again.' }];
  }
  if (!everywhere.has(peer.host) && !(isIP(peer.host) !== 0 && isPublicAddress(peer.host))) return [];
  const message = 'The peer listener speaks without TLS and can be reached beside the proxy.';
  const next = 'Set "peer" in node.json to 127.0.0.1 and let a proxy with TLS stand in front.';
  return [{ level: 'bad', code: 'peer-without-tls', message, next }];
}

async function examineCommand(command: readonly string[] | undefined): Promise<Finding[]> {
  const [program] = command ?? [];
  if (program === undefined) {
    const message = 'Nobody is called when an alert is raised: no command is set for it.';
    const next = 'Set CASEREF_ALERT_COMMAND to a program that wakes somebody.';
    return [{ level: 'note', code: 'alert-command-missing', message, next }];
  }
  const runs = await access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (runs) return [];
  const message = 'The program of CASEREF_ALERT_COMMAND cannot be run: nobody is called when an alert is raised.';
  return [{ level: 'bad', code: 'alert-command-broken', message, next: `Look at it: ls -l ${program}` }];
}
