import { html } from 'hono/html';
import type { Visit } from './parts.ts';
import type { Texts } from './texts/en.ts';
import { instant } from './words.ts';

export type Markup = ReturnType<typeof html>;

export interface PageContent {
  readonly title: string;
  readonly body: Markup;
  /** Which entry of the menu it belongs to. */
  readonly section?: keyof Texts['nav'];
}

const sections = [
  ['overview', '/'],
  ['search', '/references'],
  ['partners', '/partners'],
  ['statistics', '/statistics'],
  ['account', '/account'],
] as const;

/** A whole page for somebody who is signed in. */
export function layout(visit: Visit, { title, body, section }: PageContent): Markup {
  const { texts, viewer, exchange, token } = visit;
  const items = sections.map(([name, path]) => {
    const current = name === section ? html` aria-current="page"` : '';
    return html`<li><a href="${path}"${current}>${texts.nav[name]}</a></li>`;
  });
  return frame(texts, {
    title: texts.page(title, exchange.settings.name),
    organisation: exchange.settings.name,
    beside: html`<div class="who">
      <span><bdi>${texts.signedInAs(viewer.name, viewer.unit)}</bdi></span>
      <form method="post" action="/sign-out"><input type="hidden" name="token" value="${token}"><button class="plain">${texts.signOut}</button></form>
    </div>`,
    shown: texts.shown(viewer.name, viewer.unit, instant(texts, new Date(exchange.clock()))),
    menu: html`<nav aria-label="${texts.menu}"><ul>${items}</ul></nav>`,
    body,
  });
}

export interface Frame {
  readonly title: string;
  readonly organisation: string;
  readonly beside?: Markup;
  readonly menu?: Markup;
  /** To whom it was shown, and when: what is printed says so. */
  readonly shown?: string;
  readonly body: Markup;
}

/** The outside of every page, signed in or not. */
export function frame(texts: Texts, { title, organisation, beside, menu, shown, body }: Frame): Markup {
  return html`<!doctype html>
<html lang="${texts.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="/portal.css">
</head>
<body>
<a class="skip" href="#main">${texts.skip}</a>
<header><div class="wide">
<p class="service"><a href="/">${texts.service}</a> <bdi>${organisation}</bdi></p>
${beside ?? ''}
</div>${menu ?? ''}</header>
<main id="main" tabindex="-1" class="wide">${body}</main>
<footer><div class="wide"><p>${texts.footer}${shown === undefined ? '' : html` <bdi>${shown}</bdi>`}</p></div></footer>
</body>
</html>`;
}

function sentences(texts: Texts, title: string, lines: readonly string[]): Markup {
  return html`<h1>${title}</h1>${lines.map((line) => html`<p>${line}</p>`)}<p><a href="/">${texts.problem.back}</a></p>`;
}

/** A page of a few sentences, for who is signed in and found nothing. */
export function noticeWithin(visit: Visit, title: string, lines: readonly string[]): Markup {
  return layout(visit, { title, body: sentences(visit.texts, title, lines) });
}

/** The same where it is not known who is there. */
export function notice(texts: Texts, organisation: string, title: string, lines: readonly string[]): Markup {
  const body = sentences(texts, title, lines);
  return frame(texts, { title: texts.page(title, organisation), organisation, body });
}

/** What is wrong with one field, beside it; the field names it as its description. */
export function fieldError(says: string, field: string): Markup {
  return html`<span class="error" id="${field}-error">${says}</span>`;
}

/** What is wrong with a form, before everything else on its page. */
export function problemBox(texts: Texts, says: string, field: string): Markup {
  return html`<div class="problem" role="alert"><h2>${texts.problem.title}</h2><p><a href="#${field}">${says}</a></p></div>`;
}

export function time(texts: Texts, at: Date): Markup {
  return html`<time datetime="${at.toISOString()}">${instant(texts, at)}</time>`;
}

/** Rows of a summary list; a row without a value is left out. */
export function summary(rows: readonly (readonly [label: string, value: Markup | string | undefined])[]): Markup {
  const filled = rows.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="summary">${filled.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A telephone number, in one piece. */
export function telephone(number: string | undefined): Markup | undefined {
  return number === undefined ? undefined : html`<bdi class="phone">${number}</bdi>`;
}

/** What a partner wrote, set apart so that its direction of writing cannot turn the text around it. */
export function foreign(text: string | undefined): Markup | undefined {
  return text === undefined ? undefined : html`<bdi>${text}</bdi>`;
}
