/**
 * The one stylesheet. Patterns of the GOV.UK Design System (spacing, focus, summary lists, warnings), in colours and a typeface of nobody.
 * Every pair of colours has a contrast of 4.5 : 1 or more in both schemes.
 */
export const stylesheet = `
:root { color-scheme: light dark; --ink: #14181c; --paper: #ffffff; --quiet: #4a5560; --line: #b3bcc4; --soft: #f1f4f6;
  --link: #124a86; --bar: #2f6ea8; --act: #12583a; --on-act: #ffffff; --alarm: #9c1c1c; --on-alarm: #ffffff; --focus: #ffd42a; --on-focus: #14181c; --head: #16324f; --on-head: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceff2; --paper: #14181c; --quiet: #b4bec8; --line: #56626d; --soft: #20272d;
    --link: #94c4f5; --bar: #6aa5dc; --act: #8ed3ae; --on-act: #10241a; --alarm: #ff9d94; --on-alarm: #2a0d0a; --head: #1c2d3f; --on-head: #ffffff; }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif; background: var(--paper); color: var(--ink); overflow-wrap: anywhere; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; }
.wide { max-width: 64rem; margin: 0 auto; padding: 0 1rem; }
main { display: block; width: 100%; flex: 1 0 auto; padding-top: 1.5rem !important; padding-bottom: 3rem !important; }
main:focus { outline: none; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1.25rem; }
h2 { font-size: 1.375rem; line-height: 1.25; margin: 2rem 0 0.75rem; }
h3 { font-size: 1.125rem; line-height: 1.3; margin: 0 0 0.5rem; }
p, ul, ol { margin: 0 0 1rem; max-width: 44rem; }
a { color: var(--link); text-underline-offset: 0.15em; }
a:hover { text-decoration-thickness: 0.18em; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 0; box-shadow: 0 0 0 6px var(--ink); }
a:focus-visible { background: var(--focus); color: var(--on-focus); outline: 3px solid var(--focus); box-shadow: 0 4px var(--on-focus); text-decoration: none; }
.skip { position: absolute; left: -100rem; padding: 0.75rem 1rem; }
.skip:focus { position: static; display: block; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
header { background: var(--head); color: var(--on-head); }
header a { color: inherit; }
header > .wide { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; justify-content: space-between; align-items: center; padding-top: 0.75rem; padding-bottom: 0.75rem; }
header p { margin: 0; }
.service a { font-weight: 700; text-decoration: none; margin-right: 0.5rem; }
.service a:hover { text-decoration: underline; }
.who { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: center; }
nav { background: var(--soft); border-bottom: 1px solid var(--line); }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1.5rem; max-width: 64rem; margin: 0 auto; padding: 0 1rem; }
nav a { display: block; padding: 0.75rem 0; color: var(--link); text-decoration: none; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { font-weight: 700; border-bottom: 4px solid var(--link); padding-bottom: 0.5rem; color: var(--ink); }
nav a[aria-current]:focus-visible, nav a:focus-visible { color: var(--on-focus); }
footer { border-top: 1px solid var(--line); background: var(--soft); padding: 1rem 0; color: var(--quiet); }
footer p { margin: 0; max-width: none; }
button, .button { font: inherit; font-weight: 600; display: inline-block; padding: 0.55rem 1rem; min-height: 2.75rem; border: 2px solid transparent; background: var(--act); color: var(--on-act); text-decoration: none; cursor: pointer; }
a.button:visited { color: var(--on-act); }
button:hover, .button:hover { text-decoration: underline; }
button.second, .button.second { background: var(--paper); color: var(--link); border-color: var(--link); }
button.danger { background: var(--alarm); color: var(--on-alarm); }
button.plain { background: none; border: 0; color: inherit; padding: 0; min-height: 1.5rem; text-decoration: underline; font-weight: 400; }
button:focus-visible, .button:focus-visible { background: var(--focus); color: var(--on-focus); }
.field { margin: 0 0 1rem; }
label, legend { font-weight: 600; display: block; margin-bottom: 0.25rem; }
legend { font-size: 1.125rem; padding: 0; }
fieldset { border: 0; margin: 0 0 1.5rem; padding: 0; min-width: 0; }
.hint { color: var(--quiet); display: block; margin-bottom: 0.5rem; }
input, select { font: inherit; color: var(--ink); background: var(--paper); border: 2px solid var(--ink); padding: 0.4rem 0.5rem; width: 100%; max-width: 28rem; min-height: 2.75rem; }
.choice { display: grid; grid-template-columns: auto 1fr; gap: 0 0.75rem; align-items: center; margin: 0 0 0.75rem; max-width: 44rem; }
.choice label { font-weight: 400; margin: 0; }
.choice .hint { grid-column: 2; margin: 0; }
.choice input { appearance: none; width: 1.75rem; height: 1.75rem; min-height: 0; margin: 0; padding: 0; display: grid; place-content: center; }
.choice input[type="radio"], .choice input[type="radio"]::before { border-radius: 50%; }
.choice input::before { content: ""; width: 0.875rem; height: 0.875rem; background: var(--ink); visibility: hidden; }
.choice input:checked::before { visibility: visible; }
.wrong { border-left: 0.3rem solid var(--alarm); padding-left: 1rem; }
.wrong input[type="text"] { border-color: var(--alarm); }
.error { display: block; margin: 0 0 0.5rem; font-weight: 600; color: var(--alarm); }
.inset { border-left: 0.5rem solid var(--line); padding: 0.5rem 0 0.5rem 1rem; }
.inset > :last-child { margin-bottom: 0; }
.callout, .problem { border: 4px solid var(--alarm); padding: 1rem; margin: 0 0 1.5rem; }
.callout h2, .problem h2, .verdict h2 { margin-top: 0; }
.callout > :last-child, .problem > :last-child, .verdict > :last-child { margin-bottom: 0; }
.problem a { color: var(--alarm); font-weight: 600; }
.problem a:focus-visible { color: var(--on-focus); }
.verdict { border: 4px solid var(--act); padding: 1rem; margin: 0 0 1.5rem; }
.warning { font-weight: 600; border-left: 0.5rem solid var(--alarm); padding-left: 1rem; }
.tag { display: inline-block; font-size: 0.875rem; line-height: 1.25; padding: 0.15rem 0.5rem; border: 2px solid var(--alarm); color: var(--alarm); vertical-align: middle; }
.tag.quiet { border-color: var(--quiet); color: var(--quiet); }
.tag.strong { background: var(--alarm); color: var(--on-alarm); }
.code, .whole { font-family: ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace; font-size: 0.95em; }
.whole { font-size: 1.125rem; padding: 1rem; border: 2px solid var(--ink); max-width: none; }
.phones { margin: 0; }
.phones dt { font-weight: 400; }
.phones dd { margin: 0 0 0.5rem; font-size: 1.5rem; line-height: 1.25; font-weight: 700; }
.phone { white-space: nowrap; }
.quote { margin-bottom: 0; font-weight: 600; }
.summary { margin: 0 0 1rem; }
.summary > div { display: grid; grid-template-columns: minmax(8rem, 16rem) 1fr; gap: 0 1rem; padding: 0.4rem 0; border-bottom: 1px solid var(--line); }
.summary dt { font-weight: 600; }
.summary dd { margin: 0; min-width: 0; }
ol.cases, ul.cards, ol.revisions, ul.saved { list-style: none; padding: 0; max-width: none; }
.cases > li { border-top: 1px solid var(--line); padding: 0.75rem 0; }
.cases > li:last-child { border-bottom: 1px solid var(--line); }
.cases h3 { margin-bottom: 0.1rem; }
.cases p { margin: 0 0 0.25rem; max-width: none; }
.cases .warning { margin: 0.25rem 0; }
.cases .summary { margin: 0; display: flex; flex-wrap: wrap; gap: 0 1.5rem; }
.cases .summary > div { display: flex; gap: 0 0.4rem; border-bottom: 0; padding: 0; }
.cases dt { font-weight: 400; color: var(--quiet); white-space: nowrap; }
.cases dt::after { content: ":"; }
.urgent { border: 4px solid var(--alarm); padding: 1rem 1rem 0; margin: 0 0 1.5rem; }
.urgent h2 { margin-top: 0; }
.urgent .phones { margin-top: 0.5rem; }
.urgent .phones dd { font-size: 1.25rem; }
.revisions > li { margin-bottom: 1rem; }
.urgent .cases { margin: 0; }
.urgent .cases > li:last-child { border-bottom: 0; }
.cases .tag { margin-left: 0.5rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
.cards > li { border: 1px solid var(--line); padding: 1rem; background: var(--soft); }
.cards h2 { margin-top: 0; font-size: 1.125rem; }
.cards .summary > div { grid-template-columns: 9rem 1fr; }
.cards .summary > div:last-child { border-bottom: 0; }
.cards .summary { margin: 0; }
.bare { list-style: none; padding: 0; margin: 0; }
.timeline { padding-left: 1rem; border-left: 3px solid var(--line); list-style: none; }
.timeline li { margin-bottom: 0.75rem; }
.when { display: block; color: var(--quiet); }
.saved li { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; justify-content: space-between; border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
.columns { display: grid; gap: 0 2.5rem; }
.jump { margin-bottom: 1rem; }
.due { max-width: none; }
.due li { margin-bottom: 0.35rem; }
.charts { display: grid; gap: 0 3rem; }
.results > h2:first-child, .aside > form:first-child > h2 { margin-top: 0; }
.pages { display: flex; gap: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.75rem 0.3rem 0; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 400; }
.chart { max-width: 52rem; }
.chart th, .chart td { vertical-align: middle; }
.chart th:last-child, .chart td:last-child { text-align: right; padding-right: 0; white-space: nowrap; width: 4.5rem; }
.chart .drawn { width: 45%; }
.bars { width: 100%; height: 1rem; display: block; border-left: 2px solid var(--line); }
.bar { fill: var(--bar); }
.bar.none { fill: var(--line); }
@media (min-width: 48rem) {
  .columns { grid-template-columns: 17rem 1fr; }
  .charts { grid-template-columns: 1fr 1fr; }
  .jump { display: none; }
}
@media (max-width: 30rem) {
  h1 { font-size: 1.625rem; }
  .summary > div, .cards .summary > div { grid-template-columns: 1fr; }
  .cards h3 { margin-bottom: 0.25rem; }
  .cases .tag { margin-left: 0; }
  .chart .drawn { width: 30%; }
}
@media (forced-colors: active) {
  .bar { fill: CanvasText; }
  .choice input { appearance: auto; }
  .choice input::before { display: none; }
  .tag.strong, .button, button { border-color: currentColor; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: auto; } }
@media print {
  :root { --ink: #000; --paper: #fff; --quiet: #333; --line: #999; --soft: #fff; --link: #000; --alarm: #000; --on-alarm: #fff; --head: #fff; --on-head: #000; --bar: #555; }
  nav, .skip, form, .button, .pages, .jump, .aside, .back { display: none; }
  body { display: block; }
  .columns { display: block; }
  .cases h3 .hidden, .due .hidden { position: static; display: inline; clip-path: none; white-space: normal; font-weight: 400; }
  .cases > li, .cards > li, .summary > div { break-inside: avoid; }
}
`;
