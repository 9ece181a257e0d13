import { closeAlert, listAlerts } from '../exchange/alerts.ts';
import type { Exchange } from '../exchange/context.ts';
import { examineNode, type Place } from '../exchange/doctor/examine.ts';
import { operation } from './answer.ts';
import { text } from './members.ts';

/** Operations on what a person has to see to: alerts, and the examination of the whole node. */
export function alertOperations(exchange: Exchange, place: Place, running: boolean) {
  return {
    'alert.list': operation({}, async () => ({ items: await listAlerts(exchange), next: null })),
    'alert.close': operation({ id: text(64) }, ({ id }) => closeAlert(exchange, id)),
    doctor: operation({}, () => examineNode(exchange, place, running)),
  };
}
