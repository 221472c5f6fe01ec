"""The style of the HTML report: one column of text, light and dark, suitable for printing.

An opened citation is shown beside the text (below it on a narrow screen) by ``:has`` and
``:target``. A browser without ``:has`` scrolls to it in the list, which has its whole excerpt.
"""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --soft: #566070; --line: #dfe3e8;
  --paper: #fff; --tint: #f4f6f8; --accent: #1b58b0; --mark: #ffec99; --good: #17703f;
  --fair: #8a5a00; --poor: #a33a2c; --shadow: 0 0 2.5rem rgb(20 30 50 / .18); }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --soft: #a3abb7;
  --line: #363c46; --paper: #15181d; --tint: #1e2329; --accent: #8ab4f8; --mark: #6b5a10;
  --good: #6fcf97; --fair: #e5b95c; --poor: #f0907f; --shadow: 0 0 2.5rem rgb(0 0 0 / .6); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 ui-serif, Charter, "Iowan Old Style", Georgia, serif; }
main { max-width: 42rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }
h1, h2, h3, .state, .said, .place, .coverage, .verdict, .since, .contents, .ways, .differ > p,
figcaption, .context, dt, summary, .cite {
  font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; margin: 0 0 .5rem;
  text-wrap: balance; }
h2 { font-size: 1.2rem; line-height: 1.35; margin: 2.75rem 0 .5rem; padding-top: 1.25rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p, li, blockquote, figcaption, h1, h2, dt, dd, summary, .snapshot, .place {
  overflow-wrap: anywhere; }
ul { padding-left: 1.2rem; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .15em; }
a:focus-visible, .snapshot:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.asked, .place, .said, .context, dt, figcaption { color: var(--soft); }
.place, figcaption, .context, .coverage, .said, .contents, .ways { font-size: .85rem;
  line-height: 1.5; }
.answer { font-size: 1.15rem; margin: 1.5rem 0; }
.verdict, .differ > p { font-size: .95rem; font-weight: 600; color: var(--fair); }
.since { border-left: 4px solid var(--accent); background: var(--tint); padding: .75rem 1rem;
  font-size: .95rem; font-weight: 600; }
.coverage { background: var(--tint); border: 1px solid var(--line); border-radius: 8px;
  padding: .75rem 1rem; }
.coverage p { margin: .25rem 0; }
progress { width: 100%; height: .5rem; accent-color: var(--accent); }
.contents ol { padding-left: 1.4rem; }
.contents li { margin: .3rem 0; }
.contents a { color: inherit; }
.state { font-weight: 600; white-space: nowrap; }
.state.answered, h3.new { color: var(--good); }
.state.partial, .state.evidence, h3.changed { color: var(--fair); }
.state.not_found, h3.gone { color: var(--poor); }
figure { margin: 1.5rem 0; scroll-margin-top: 1.5rem; }
section[id] { scroll-margin-top: 1rem; }
blockquote { margin: 0; padding: .1rem 0 .1rem 1rem; border-left: 3px solid var(--line);
  white-space: pre-line; }
figcaption { margin: 0 0 .4rem; }
figure:target blockquote { border-left-color: var(--accent); }
figure:target dl { border-left-color: var(--accent); }
.beside { display: grid; grid-template-columns: 1fr 1fr; gap: 1.25rem; }
.beside figure { margin: 0; }
.differ { border: 1px solid var(--line); border-left: 4px solid var(--fair); border-radius: 6px;
  padding: .75rem 1rem 1rem; margin: 1.25rem 0; }
.differ > p { margin: 0 0 .75rem; }
.context { margin: 0 0 .4rem; }
dl { display: grid; grid-template-columns: fit-content(40%) minmax(0, 1fr);
  gap: .2rem 1rem; margin: 0; padding: .1rem 0 .1rem 1rem; border-left: 3px solid var(--line); }
dt { font-size: .85rem; line-height: 1.9; min-width: 0; }
dd { margin: 0; }
.nearest summary { font-weight: 600; font-size: .95rem; }
.near { color: var(--soft); }
.cite { font-size: .72rem; font-weight: 600; line-height: 1; text-decoration: none;
  background: var(--tint); border: 1px solid var(--line); border-radius: 4px;
  padding: .1rem .25rem; margin-left: .25rem; vertical-align: .15em; }
.cite:hover { background: var(--accent); color: var(--paper); }
cite { font-style: normal; font-weight: 600; color: var(--ink); }
.citation { padding: .9rem 0; border-bottom: 1px solid var(--line); }
.citation:last-child { border-bottom: 0; }
.citation .place { margin: 0 0 .5rem; }
.open { white-space: nowrap; padding-left: .6em; }
.number { display: inline-block; min-width: 1.6em; color: var(--ink); }
.snapshot { white-space: pre-wrap; font-size: .95rem; line-height: 1.55; }
.ways { display: none; margin: .6rem 0 0; }
.ways a { margin-right: 1.25rem; }
.far { display: none; color: var(--soft); }
mark { background: var(--mark); color: inherit; padding: .1em 0; scroll-margin: 7rem; }
@media screen {
  .citation:has(mark:target) { position: fixed; z-index: 1; inset: 0 0 0 auto; width: 32rem;
    display: flex; flex-direction: column; padding: 1.25rem 1.5rem; background: var(--paper);
    border: 0; border-left: 1px solid var(--line); box-shadow: var(--shadow); }
  .citation:has(mark:target) .snapshot { flex: 1; overflow-y: auto; padding-right: .5rem; }
  .citation:has(mark:target) .ways { display: block; padding-top: .6rem;
    border-top: 1px solid var(--line); }
  .citation:has(mark:target) .far { display: inline; }
  .citation:has(mark:target) .place { margin: 0; padding-bottom: .6rem;
    border-bottom: 1px solid var(--line); }
  .citation:has(mark:target) .snapshot { padding-top: .6rem; }
}
@media screen and (min-width: 76rem) {
  body:has(mark:target) main { margin-left: max(1rem, calc((100vw - 76rem) / 2)); }
}
@media screen and (max-width: 46rem) {
  body { font-size: 16px; }
  main { padding-top: 1.5rem; }
  h1 { font-size: 1.5rem; }
  .beside { grid-template-columns: 1fr; }
  .citation:has(mark:target) { inset: auto 0 0 0; width: auto; height: 62vh; border-left: 0;
    border-top: 1px solid var(--line); border-radius: 14px 14px 0 0; padding: 1rem 1.25rem; }
}
@supports not selector(:has(a)) {
  .far { display: inline; }
  .snapshot { max-height: 16rem; overflow-y: auto; }
}
@media print {
  @page { margin: 2cm; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  h2, h3, figcaption { break-after: avoid; }
  .citation, figure, .differ { break-inside: avoid; }
  a { color: inherit; text-decoration: none; }
  .far { display: none; }
  progress, .ways, .open, .contents, .coverage details { display: none; }
  .snapshot { max-height: none; overflow: visible; }
}
"""
