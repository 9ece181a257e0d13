import { html } from 'hono/html';
import type { PortalCount } from '../store/portal-counts.ts';
import type { Markup } from './layout.ts';
import type { Texts } from './texts/en.ts';

export interface Chart {
  /** Names the chart within its page. */
  readonly id: string;
  readonly title: string;
  /** Heading of the column of names. */
  readonly by: string;
  readonly counts: readonly PortalCount[];
  readonly name: (code: string | null) => string;
}

const WIDTH = 200;
const HEIGHT = 14;

/** A bar chart drawn here: a table whose rows each carry their bar, so that nobody needs the picture to read the figures. */
export function chart(texts: Texts, { id, title, by, counts, name }: Chart): Markup {
  const heading = html`<h2 id="${id}">${title}</h2>`;
  if (counts.every(({ n }) => n === 0))
    return html`<section aria-labelledby="${id}">${heading}<p>${texts.chart.empty}</p></section>`;
  const most = Math.max(...counts.map(({ n }) => n));
  const rows = counts.map(
    ({ code, n }) =>
      html`<tr><th scope="row"><bdi>${name(code)}</bdi></th><td class="drawn">${bar(n, most)}</td><td>${n}</td></tr>`,
  );
  return html`<section aria-labelledby="${id}">${heading}
<table class="chart" aria-labelledby="${id}"><thead><tr><th scope="col">${by}</th><td class="drawn"></td><th scope="col">${texts.chart.count}</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

/** Decoration: the figure stands beside it. */
function bar(n: number, most: number): Markup {
  const width = n === 0 ? 1 : Math.max(2, Math.round((n / most) * WIDTH));
  return html`<svg class="bars" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="${n === 0 ? 'bar none' : 'bar'}" x="0" y="0" width="${width}" height="${HEIGHT}"/></svg>`;
}
