"""The look of the report page: a quiet column of text, light and dark, good on paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --soft: #5b6472; --line: #dfe3e8;
  --paper: #fff; --tint: #f5f7f9; --accent: #1f5fbf; --mark: #fff0a8; --good: #1c7a4d;
  --fair: #96650a; --poor: #a33a2c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --soft: #a0a8b4;
  --line: #353b45; --paper: #16191e; --tint: #1f242b; --accent: #8ab4f8; --mark: #5c4f12;
  --good: #6fcf97; --fair: #e5b95c; --poor: #f0907f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 ui-serif, Charter, "Iowan Old Style", Georgia, serif; }
main { max-width: 42rem; margin: 0 auto; padding: 3rem 1.25rem 5rem; }
h1, h2, .state, .place, .coverage, .verdict, figcaption, .cite, .number {
  font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.25; margin: 0 0 .5rem; text-wrap: balance; }
h2 { font-size: 1.15rem; line-height: 1.35; margin: 2.5rem 0 .5rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
p, li, blockquote, h1, h2 { overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .15em; }
.asked, .place, figcaption { color: var(--soft); }
.place, figcaption, .coverage, .state { font-size: .85rem; line-height: 1.5; }
.answer { font-size: 1.15rem; margin: 1.5rem 0; }
.verdict { font-size: .95rem; font-weight: 600; color: var(--fair); }
.coverage { background: var(--tint); border: 1px solid var(--line); border-radius: 8px;
  padding: .75rem 1rem; }
.coverage p { margin: .25rem 0; }
progress { width: 100%; height: .5rem; accent-color: var(--accent); }
.state { font-weight: 600; margin: 0 0 1rem; }
.state.answered { color: var(--good); }
.state.partial { color: var(--fair); }
.state.not_found { color: var(--poor); }
figure { margin: 1.25rem 0; }
blockquote { margin: 0; padding-left: 1rem; border-left: 3px solid var(--line);
  white-space: pre-line; }
figcaption { margin: .35rem 0 0 1.2rem; }
.cite { font-size: .72rem; font-weight: 600; line-height: 1; text-decoration: none;
  background: var(--tint); border-radius: 4px; padding: .1rem .2rem; margin-left: .2rem;
  vertical-align: .2em; }
cite { font-style: normal; font-weight: 600; }
.citation { display: grid; grid-template-columns: 2.5rem 1fr; padding: .75rem .5rem;
  border-radius: 8px; scroll-margin-top: 1rem; }
.citation:target { background: var(--tint); outline: 2px solid var(--accent); }
.citation p { margin: 0 0 .35rem; white-space: pre-line; }
.number { font-weight: 600; color: var(--soft); }
mark { background: var(--mark); color: inherit; padding: .05em 0; }
@media print { body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  .citation, figure { break-inside: avoid; } a { color: inherit; } progress { display: none; } }
"""
