import type { Authenticate } from '../exchange/clients.ts';
import type { Exchange } from '../exchange/context.ts';
import type { Revise } from '../exchange/revise.ts';
import type { Share } from '../exchange/share.ts';

/** What the node API works with. */
export interface ApiParts {
  readonly exchange: Exchange;
  readonly authenticate: Authenticate;
  readonly share: Share;
  readonly revise: Revise;
  /** Whether the node can do its work now: what GET /health says. */
  readonly healthy: () => Promise<boolean>;
  /** How often an open event stream looks for news, and how often it says that it lives; in milliseconds. */
  readonly pace?: { readonly lookMs: number; readonly heartbeatMs: number };
}

/** A listener's parts with the signal that ends open streams when it closes. */
export interface RouteParts extends ApiParts {
  readonly closing: AbortSignal;
}
