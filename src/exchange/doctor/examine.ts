import type { RunSettings } from '../../config.ts';
import { callWords } from '../../domain/call.ts';
import { countLevels, type Finding, wantsPerson, worstFirst } from '../../domain/finding.ts';
import { isoInstant } from '../../domain/instant.ts';
import { waitsToBeFetched } from '../../domain/poll.ts';
import { waitingByPartner } from '../../store/checkup.ts';
import { partnerRows } from '../../store/partners.ts';
import { suspectLeft } from '../../store/suspect-left.ts';
import { identityStanding } from '../../store/told.ts';
import { type AlertView, listAlerts } from '../alerts.ts';
import type { Exchange } from '../context.ts';
import { askClocks, examineClocks } from './clock.ts';
import { examineConfiguration } from './configuration.ts';
import { examineFiles } from './files.ts';
import { examineKeys, readOwnKeys } from './keys.ts';
import { examineLatency } from './latency.ts';
import { examineOperators, readOperators } from './operators.ts';
import { examinePartner } from './partner.ts';
import { examinePolls } from './polling.ts';
import { examineRecoveries } from './recovery.ts';
import { tryRoundTrips } from './round-trip.ts';
import { examineStore } from './store.ts';
import { examineSuspect } from './suspect.ts';
import { examineTold } from './told.ts';

/** Where the node stands: its directory and what it runs with. */
export interface Place {
  readonly dataDir: string;
  readonly run: RunSettings;
}

/** What an examination found, what is wrong first. */
export interface Report {
  readonly issuer: string;
  readonly at: string;
  /** Nobody has to do anything. */
  readonly well: boolean;
  readonly running: boolean;
  readonly counts: ReturnType<typeof countLevels>;
  readonly findings: readonly Finding[];
}

/** Puts findings together to a report. */
export function reportOf(
  findings: readonly Finding[],
  node: { readonly issuer: string; readonly running: boolean; readonly now: number },
): Report {
  return {
    issuer: node.issuer,
    at: isoInstant(node.now),
    well: !findings.some(wantsPerson),
    running: node.running,
    counts: countLevels(findings),
    findings: worstFirst(findings),
  };
}

/** Looks at everything that an operator is asked about first, and tries the way to each partner where the node runs. */
export async function examineNode(exchange: Exchange, place: Place, running: boolean): Promise<Report> {
  const { partners } = await exchange.directory.within(exchange.store.db);
  const active = [...partners.values()].filter(({ state }) => state === 'active');
  const [alerts, configuration, files, store, keys, standing, polls, clocks, trips, operators, recoveries, latencies] =
    await Promise.all([
      listAlerts(exchange),
      examineConfiguration(exchange.settings, place.run),
      examineFiles(place.dataDir),
      examineStore(exchange.store, exchange.clock),
      readOwnKeys(exchange),
      examinePartners(exchange),
      examinePolls(exchange),
      askClocks(exchange, active),
      running ? tryRoundTrips(exchange, active) : [],
      readOperators(exchange),
      examineRecoveries(exchange),
      examineLatency(exchange),
    ]);
  const now = exchange.clock();
  const findings = [
    ...alerts.map(alertFinding),
    ...(running ? [] : [stopped(active.length)]),
    ...recoveries,
    ...trips,
    ...standing,
    ...polls,
    ...latencies,
    ...examineClocks(clocks),
    ...examineOperators(operators),
    ...configuration,
    ...files,
    ...store,
    ...examineKeys(keys, Math.floor(now / 1000)),
  ];
  return reportOf(findings, { issuer: exchange.self, running, now });
}

/** With nobody to exchange with, a node that does not run is worth knowing; with partners, every one of them waits for it. */
function stopped(active: number): Finding {
  const message =
    'No node runs on this directory: nothing is received and nothing is sent, and no round trip was made.';
  return { level: active > 0 ? 'bad' : 'note', code: 'node-stopped', message, next: 'caseref serve' };
}

function alertFinding({
  id,
  code,
  urgent,
  message,
  next,
  partner,
  subject,
  count,
  firstAt,
  lastAt,
  call,
}: AlertView): Finding {
  const who = [partner, subject].filter((part) => part !== undefined).join(', ');
  const often = count === 1 ? `once, ${firstAt}` : `${count} times, ${firstAt} to ${lastAt}`;
  return {
    level: urgent ? 'bad' : 'warn',
    code,
    message: [`${message} ${who === '' ? '' : `${who}: `}${often}.`, ...(call ? [callWords(call)] : [])].join(' '),
    next: `${next} (when it is seen to: caseref doctor --close ${id})`,
    ...(partner !== undefined && { partner }),
    alert: id,
  };
}

async function examinePartners(exchange: Exchange): Promise<Finding[]> {
  const { db } = exchange.store;
  const { partners } = await exchange.directory.within(db);
  const waiting = await waitingByPartner(db);
  const identity = await identityStanding(db);
  const suspect = await suspectLeft(db);
  const now = exchange.clock();
  const rows = (await partnerRows(db)).filter(({ state }) => state !== 'removed');
  return rows.flatMap((row) => {
    const { issuer, state, key_set_exp } = row;
    const entry = partners.get(issuer);
    // What waits to be fetched is a matter of polling.ts.
    const queued = entry && waitsToBeFetched(entry) ? undefined : waiting.get(issuer);
    const standing = {
      issuer,
      state: state as Exclude<typeof state, 'removed'>,
      policy: entry?.policy,
      keySetUntil: key_set_exp * 1000,
      waiting: queued && { since: queued.since.getTime(), count: queued.count, code: queued.code },
      queued: waiting.get(issuer)?.messages ?? 0,
      shut: exchange.transport.allowance(issuer, now) === 0,
    };
    return [
      ...examineTold(row, identity),
      ...examineSuspect(issuer, suspect.get(issuer)),
      ...examinePartner(standing, now),
    ];
  });
}
