import { html } from 'hono/html';
import type { RefusalCode } from '../../domain/refusal.ts';
import { frame, type Markup } from '../layout.ts';
import type { Texts } from '../texts/en.ts';

/** The one script of the portal. */
export const SCRIPT = '/sign-in/passkey.js';

type Words = Texts['signInPages'];
export type SignInReason = keyof Words['reasons'];

/** A page for who is not signed in yet. */
export interface Page {
  readonly title: string;
  readonly main: Markup;
  /** Whether it reaches an authenticator. */
  readonly script?: boolean;
  /** Path to go on to at once. */
  readonly goOn?: string;
}

/** A page of sign-in in the frame of the portal. */
export function wholePage(texts: Texts, organisation: string, { title, main, script = false }: Page): Markup {
  const body = html`<h1>${title}</h1>${main}${script ? html`<script src="${SCRIPT}" defer></script>` : ''}`;
  return frame(texts, { title: texts.page(title, organisation), organisation, body });
}

interface SignInChoices {
  readonly withAgency: boolean;
  /** Why a session that this browser had is over. */
  readonly ended?: RefusalCode | undefined;
  /** Whether it was ended here, just now, by who had it. */
  readonly signedOut?: boolean;
}

/** Where one signs in: by passkey, or by the agency's identity provider where one is configured. */
export function signInPage(
  all: Texts,
  organisation: string,
  { withAgency, ended, signedOut = false }: SignInChoices,
): Page {
  const texts = all.signInPages;
  const why = ended === undefined ? undefined : reasonOf(texts, ended);
  return {
    title: texts.signIn,
    main: html`${why === undefined ? '' : html`<p class="warning" role="status">${why}</p>`}${signedOut ? html`<p class="inset" role="status">${texts.signedOut}</p>` : ''}<p><bdi>${texts.what(organisation)}</bdi></p><p class="inset">${texts.recorded}</p>
<p><a class="button" href="/sign-in/passkey">${texts.withPasskey}</a></p>
${withAgency ? html`<p><a class="button second" href="/sign-in/oidc">${texts.withAgency}</a></p>` : ''}
<p><a href="/invitation">${texts.invited}</a></p>
<p>${texts.invitedOnly}</p>
<p>${texts.help}</p>`,
  };
}

/** A form that an authenticator fills in. */
interface PasskeyForm {
  readonly title: string;
  readonly action: string;
  readonly kind: 'create' | 'get';
  readonly options: object;
  readonly hint: string;
  readonly button: string;
  readonly before?: Markup;
  readonly after?: Markup;
}

export function passkeyPage(
  texts: Words,
  { title, action, kind, options, hint, button, before, after }: PasskeyForm,
): Page {
  return {
    title,
    script: true,
    main: html`${before ?? ''}<p>${hint}</p>
<p id="passkey-told" class="warning" role="alert" tabindex="-1" hidden>${kind === 'create' ? texts.passkeyNotMade : texts.passkeyFailed}</p>
<noscript><p class="warning">${texts.needsScript}</p></noscript>
<form method="post" action="${action}" data-passkey="${kind}" data-options="${JSON.stringify(options)}">
<input type="hidden" name="response" value="">
<p><button type="submit">${button}</button></p>
</form>${after ?? ''}`,
  };
}

/**
 * Where the code of an invitation is given. What comes of it stands at an address of its own: a browser that is at `/invitation` already
 * takes the address of a next invitation for a place within the page, and loads nothing.
 */
export function invitationPage(texts: Words): Page {
  return {
    title: texts.invitation,
    script: true,
    main: html`<form method="post" action="/invitation?given">
<div class="field"><label for="code">${texts.code}</label>
<span id="code-hint" class="hint">${texts.invitationHint}</span>
<input id="code" name="code" type="text" autocomplete="off" spellcheck="false" maxlength="500" required
 aria-describedby="code-hint" data-from-address=""></div>
<button type="submit">${texts.goOn}</button>
</form>`,
  };
}

/** Where an invitation is redeemed. */
export function enrolPage(texts: Words, name: string, options: object, withAgency: boolean): Page {
  return passkeyPage(texts, {
    title: texts.welcome,
    action: '/invitation/passkey',
    kind: 'create',
    options,
    hint: texts.passkeyHint,
    button: texts.makePasskey,
    before: html`<p>${texts.invitedAs} <strong><bdi>${name}</bdi></strong>. ${texts.replaces}</p>`,
    after: withAgency ? html`<p><a href="/invitation/oidc">${texts.linkAgency}</a></p>` : html``,
  });
}

/** What is said of a refusal to a stranger, in words that tell nothing else. */
function reasonOf(texts: Words, code: RefusalCode): string | undefined {
  return Object.hasOwn(texts.reasons, code) ? texts.reasons[code as SignInReason] : undefined;
}

/** Why nobody was signed in. */
export function refusedPage(texts: Words, reason: SignInReason): Page {
  return {
    title: texts.refused,
    main: html`<p role="alert">${texts.reasons[reason]}</p><p><a href="/sign-in">${texts.again}</a></p>`,
  };
}

/** A step of our own between the identity provider and the portal: only from here a browser sends the strict cookie. */
export function arrivedPage(texts: Words, goOn: string): Page {
  return { title: texts.signedIn, goOn, main: html`<p><a class="button" href="${goOn}">${texts.goOn}</a></p>` };
}
