import { POLICE } from '../../domain/authority/party.ts';
import type { Call } from '../../domain/call.ts';
import type { ShownCase } from '../../exchange/case/case-view.ts';
import type { Here } from './here.ts';

type Rule = (shown: ShownCase, here: Here) => string | undefined;

/** What is to be done next by whoever reads the case at this node: the first that applies, the most urgent before all. */
export function nextStep(shown: ShownCase, here: Here, unreached: readonly Call[] = []): string {
  const [away] = unreached;
  if (away) return `Call ${away.partner} now: it has not reached them.`;
  for (const rule of rules) {
    const step = rule(shown, here);
    if (step !== undefined) return step;
  }
  return 'Nothing is to be done here now.';
}

/** A command about this case, whole, so that it can be copied. */
function command({ originator, id }: ShownCase, { node }: Here, name: string, words: string): string {
  const whose = originator === node ? '' : ` --originator ${originator}`;
  return `caseref reference ${name} ${id}${whose}${words === '' ? '' : ` ${words}`}`;
}

const hasPen: (shown: ShownCase, here: Here) => boolean = ({ pen }, { node }) => pen.holders.includes(node);

function emergency(shown: ShownCase, here: Here): string | undefined {
  const waiting = (shown.urgency.acknowledgement ?? []).filter(({ state }) => state !== 'acknowledged');
  if (waiting.some(({ recipient }) => recipient === here.node))
    return `Call the originator. When a person has it: ${command(shown, here, 'acknowledge', '')}`;
  const [first] = waiting;
  return first && `Call ${first.recipient}: nobody there has said that a person has it.`;
}

const undecided: Rule = ({ state }) =>
  state === 'held' ? 'A person decides first whether it is taken: caseref reference held' : undefined;

const unconfirmed: Rule = (_, { unconfirmed: waiting }) =>
  waiting && `Another operator than ${waiting.author} confirms what was told: caseref operator pending`;

function offer(shown: ShownCase, here: Here): string | undefined {
  const { offers } = shown.pen;
  const toUs = offers.find(({ to, state }) => to === here.node && state === 'offered');
  if (toUs)
    return `Answer by ${toUs.until} (--accept, or --decline CODE): ${command(shown, here, 'handover', '--accept')}`;
  const accepted = offers.find(({ from, state }) => from === here.node && state === 'accepted');
  return accepted && `Let go of the pen by ${accepted.until}: ${command(shown, here, 'handover', '--confirm')}`;
}

const conflict: Rule = ({ conflicts, originator }) => {
  const between = conflicts.find(({ kind }) => kind === 'pen-conflict')?.between;
  return between && `Agree who acts: ${between.join(', ')} hold the pen. The originator is ${originator}.`;
};

const finished: Rule = (shown, here) =>
  ['removed', 'unavailable', 'not-illegal'].includes(shown.state)
    ? `Nothing, while it stays so. Seen online again: ${command(shown, here, 'act', '--action reappeared --observed')}`
    : undefined;

const held: Rule = ({ holds }) => {
  const stops = holds.find(({ inForce, binding }) => inForce && binding);
  return stops && `Tell no host before ${stops.until}; what cannot wait is agreed by telephone with the desk named.`;
};

function clearance(shown: ShownCase, here: Here): string | undefined {
  const { reason } = shown.host;
  const { deadline } = shown.clearance;
  if (reason === 'clearance-open' && here.type === POLICE)
    return `Answer by ${deadline} (--grant, or --refuse): ${command(shown, here, 'clear', '--grant')}`;
  if (reason === 'clearance-open') return `Wait for the answer until ${deadline}, or call the desk that was asked.`;
  if (!hasPen(shown, here)) return undefined;
  if (reason === 'clearance-missing') return `Ask law enforcement: ${command(shown, here, 'clear', '--request')}`;
  if (reason !== 'clearance-timed-out') return undefined;
  return `Call the desk that was asked, or ask again: ${command(shown, here, 'clear', '--request')}`;
}

const unplaced: Rule = (shown, here) =>
  shown.pen.unplaced && hasPen(shown, here)
    ? `Find who takes it: ${command(shown, here, 'handover', '--offer ISSUER')}`
    : undefined;

const acting: Rule = (shown, here) => {
  if (!hasPen(shown, here))
    return `${shown.pen.holders.join(', ')} acts. What you see: ${command(shown, here, 'act', '--action CODE --observed')}`;
  if (shown.host.reason !== 'clear') return undefined;
  return `The host may be told. Then say so: ${command(shown, here, 'act', '--action reported-to-isp')}`;
};

const rules: readonly Rule[] = [
  emergency,
  undecided,
  unconfirmed,
  offer,
  conflict,
  finished,
  held,
  clearance,
  unplaced,
  acting,
];
