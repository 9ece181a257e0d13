import { isIP } from 'node:net';
import type { NodeSettings, PortalEnvironment, Secret } from '../../config.ts';
import { isRefusal, type Refusal, refuse } from '../../domain/refusal.ts';
import { isLoopbackIssuer } from '../../wire/issuer.ts';

/** How the portal is reached, and who else may say who somebody is. */
export interface PortalSettings {
  /** The origin that browsers see; without one nobody can sign in. */
  readonly origin?: string;
  readonly oidc?: OidcSettings;
}

/** The identity provider of an agency (OpenID Connect Core). It is trusted to say who somebody is, never what they may see. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: Secret | undefined;
  readonly clientSecretFile?: string | undefined;
  /** Names of the claims that narrow an accreditation; one that is named must be there. */
  readonly unitClaim?: string | undefined;
  readonly jurisdictionClaim?: string | undefined;
  /** An issuer on this machine may be reached without TLS. */
  readonly loopback: boolean;
}

function wrong(setting: string, message: string, next: string): Refusal {
  return refuse('setting-invalid', '', `${setting}: ${message}`, next);
}

/** Settles what the environment and the node's settings say of the portal. Half a setting starts nothing. */
export function settlePortal(
  { issuer, portal }: Pick<NodeSettings, 'issuer' | 'portal'>,
  given: PortalEnvironment = {},
): PortalSettings | Refusal {
  const loopback = isLoopbackIssuer(issuer);
  const origin = given.origin ?? (loopback ? `http://localhost:${portal.port}` : undefined);
  const malformed = origin === undefined ? undefined : checkOrigin(origin, loopback);
  if (malformed) return malformed;
  const oidc = settleOidc(given, loopback);
  if (isRefusal(oidc)) return oidc;
  if (oidc && origin === undefined)
    return wrong('CASEREF_PORTAL_ORIGIN', 'it is missing, and an identity provider is named.', ORIGIN_FORM);
  return { ...(origin !== undefined && { origin }), ...(oidc && { oidc }) };
}

/** Refuses settings of the portal that nobody could sign in with. */
export function checkPortal(...given: Parameters<typeof settlePortal>): Refusal | undefined {
  const settled = settlePortal(...given);
  return isRefusal(settled) ? settled : undefined;
}

const ORIGIN_FORM = 'Write the origin that browsers see: https://portal.example, without a path.';

/** WebAuthn (section 5.1.2) knows domains only, and a cookie that is worth something needs TLS or this machine. */
function checkOrigin(origin: string, loopback: boolean): Refusal | undefined {
  const url = URL.parse(origin);
  const setting = 'CASEREF_PORTAL_ORIGIN';
  if (!url || url.origin !== origin) return wrong(setting, 'this is no origin.', ORIGIN_FORM);
  const here = loopback && url.protocol === 'http:' && url.hostname === 'localhost';
  if (url.protocol !== 'https:' && !here) return wrong(setting, 'it is not reached by TLS.', ORIGIN_FORM);
  if (isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0) return undefined;
  return wrong(setting, 'passkeys are for names, not for addresses.', 'Write a host name; localhost on this machine.');
}

function settleOidc(given: PortalEnvironment, loopback: boolean): OidcSettings | Refusal | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcUnitClaim, oidcJurisdictionClaim } = given;
  const { oidcClientSecret: clientSecret, oidcClientSecretFile: clientSecretFile } = given;
  const all = [issuer, clientId, clientSecret, clientSecretFile, oidcUnitClaim, oidcJurisdictionClaim];
  if (all.every((one) => one === undefined)) return undefined;
  if (issuer === undefined || clientId === undefined)
    return wrong('CASEREF_OIDC_ISSUER', 'issuer and client id belong together.', 'Set CASEREF_OIDC_CLIENT_ID too.');
  const url = URL.parse(issuer);
  if (!url || (url.protocol !== 'https:' && !(loopback && url.protocol === 'http:')) || url.search || url.hash)
    return wrong('CASEREF_OIDC_ISSUER', 'this is no issuer.', 'Write it exactly as the provider does: https://…');
  if (clientSecret !== undefined && clientSecretFile !== undefined)
    return wrong('CASEREF_OIDC_CLIENT_SECRET', 'it is set here and in a file.', 'Set one of them.');
  const claims = { unitClaim: oidcUnitClaim, jurisdictionClaim: oidcJurisdictionClaim };
  return { issuer, clientId, clientSecret, clientSecretFile, ...claims, loopback };
}
