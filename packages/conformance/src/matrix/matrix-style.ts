import { pageColors } from '../report/page-style.js'

/** The style of the matrix: the table scrolls by itself, and its first column and its head stay. */
export const matrixStyle: string = `${pageColors}
body { margin: 0 auto; max-width: 90rem; padding: 1rem; color: var(--ink); background: var(--back); font: 1rem/1.45 system-ui, sans-serif }
h1 { font-size: 1.4rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 1.75rem 0 .5rem }
h3 { font-size: .95rem; margin: 1rem 0 .25rem; overflow-wrap: anywhere }
p { margin: .25rem 0; overflow-wrap: anywhere } .dim { color: var(--dim) } code { font-size: .85rem }
.scroll { overflow: auto; max-height: 85vh; border: 1px solid var(--line) }
.scroll:focus-visible, a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px }
table { border-collapse: separate; border-spacing: 0; font-size: .9rem }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: center; font-weight: 400; white-space: nowrap }
th.name { max-width: 11rem; min-width: 8rem; white-space: normal; overflow-wrap: anywhere; font-weight: 600 }
thead th { vertical-align: bottom; position: sticky; top: 0; z-index: 2; background: var(--panel) }
tbody th, thead th:first-child { position: sticky; left: 0; background: var(--back); text-align: left; white-space: normal;
  width: 30rem; min-width: 11rem; overflow-wrap: anywhere; border-right: 1px solid var(--line) }
thead th:first-child { z-index: 3; background: var(--panel) }
tbody th code { display: block; color: var(--dim) } tbody th span code { display: inline; color: inherit }
td a { color: inherit } .v { font-weight: 600 }
.passed { color: var(--passed) } .failed { color: var(--failed) } .warning { color: var(--warning) } .skipped { color: var(--skipped) }
.not-applicable, .not-judged, .none { color: var(--none) } .reached { color: var(--passed) } .not-reached { color: var(--failed) }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin: .75rem 0; padding: 0; border: 0 }
.filter label { display: inline-flex; gap: .35rem; align-items: center; min-height: 1.75rem }
body:has(#only-open:checked) tr.whole { display: none }
:target { background: var(--panel) }
@media (max-width: 36rem) { tbody th, thead th:first-child { width: 11rem; min-width: 9.5rem } tbody th { font-size: .8rem } th, td { padding: .35rem .4rem } }
`
