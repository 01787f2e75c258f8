/** Colours in the light and in the dark. */
export const pageColors = `
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5b636b; --line: #d9dee3; --back: #fff; --panel: #f5f7f9;
  --passed: #17703c; --failed: #b3261e; --warning: #8a5a00; --skipped: #4a5568; --none: #6b7280 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --dim: #9aa4ae; --line: #32383f; --back: #14171a; --panel: #1c2126;
  --passed: #5ecb8b; --failed: #ff8a80; --warning: #f0b84a; --skipped: #a9b4c0; --none: #8b949e } }
* { box-sizing: border-box }
`

/** The style of the page: one column, readable on a phone and on a desk. */
export const pageStyle: string = `${pageColors}body { margin: 0 auto; max-width: 72rem; padding: 1rem; color: var(--ink); background: var(--back);
  font: 1rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.4rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem }
p { margin: .25rem 0 } .dim { color: var(--dim) }
.counts, .filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: .75rem 0; padding: 0; list-style: none; border: 0 } .levels { padding-left: 1.2rem }
.filter label { display: inline-flex; gap: .35rem; align-items: center; min-height: 1.75rem }
details { border-bottom: 1px solid var(--line) }
summary { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .25rem .75rem; padding: .5rem .25rem; cursor: pointer; list-style: none }
summary::-webkit-details-marker { display: none }
summary:focus-visible { outline: 2px solid currentColor; outline-offset: 2px }
summary code { font-size: .85rem; color: var(--dim) }
details details { margin-left: .75rem; border: 0; border-left: 3px solid var(--line) } details details summary { padding: .35rem .6rem }
.verdict { font-weight: 600; font-size: .9rem }
.passed > summary .verdict, .v-passed { color: var(--passed) } .failed > summary .verdict, .v-failed { color: var(--failed) }
.warning > summary .verdict, .v-warning { color: var(--warning) } .skipped > summary .verdict, .v-skipped { color: var(--skipped) }
.not-applicable > summary .verdict, .v-not-applicable { color: var(--none) }
.causes { padding-left: 1.4rem } .causes summary { display: block }
.ids { font-size: .9rem } .ids a { display: inline-block; margin-right: .6rem; color: inherit }
.step { padding: .25rem .6rem .5rem 1.4rem }
.bad { color: var(--failed) }
pre { margin: .35rem 0; padding: .5rem .6rem; background: var(--panel); border-radius: .25rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; font: .8rem/1.4 ui-monospace, monospace }
body:has(#only-failed:checked) .row:not(.failed, .warning), body:has(#only-skipped:checked) .row:not(.skipped, .not-applicable) { display: none }
@media (max-width: 36rem) { summary { grid-template-columns: minmax(0, 1fr) } details details { margin-left: .25rem } .step { padding-left: .7rem } }
`
