/** An accent, and the colour of text on it. */
export interface Accent {
  readonly accent: string
  readonly on: string
}

/** The accents of an auth server without branding. */
export const accents: { readonly light: Accent; readonly dark: Accent } = {
  light: { accent: '#0b57d0', on: '#fff' },
  dark: { accent: '#8ab4f8', on: '#0b1a33' },
}

/** What accents stand on: the card and the page around it. */
export const backgrounds: { readonly accent: readonly string[]; readonly accentDark: readonly string[] } = {
  accent: ['#fff', '#f3f5f7'],
  accentDark: ['#191d22', '#0f1215'],
}

/** The one stylesheet of all pages; it stands inside each, and its hash in their policy. */
export function stylesheetOf({ light, dark }: { readonly light: Accent; readonly dark: Accent }): string {
  return colours
    .replace('LIGHT', `--accent:${light.accent};--on-accent:${light.on}`)
    .replace('DARK', `--accent:${dark.accent};--on-accent:${dark.on}`)
    .concat(rules)
}

const colours = `
:root{color-scheme:light dark;--page:#f3f5f7;--card:#fff;--text:#1b1f24;--quiet:#545d68;--line:#c9d0d8;LIGHT;--plain:#eef1f4;--good:#0f6b3c;--care:#8a4b00;--care-back:#fff6e5;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--page:#0f1215;--card:#191d22;--text:#e9ecef;--quiet:#aab3bd;--line:#3d454e;DARK;--plain:#262c33;--good:#7fd6a3;--care:#ffc46b;--care-back:#2c2415;--bad:#f2b8b5}}
`

const rules = `*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:34rem;margin:0 auto;padding:clamp(1rem,4vw,2rem);background:var(--card);min-height:100vh}
@media(min-width:40rem){body{padding:2.5rem 1rem}main{min-height:0;border:1px solid var(--line);border-radius:1rem}}
h1{margin:0 0 1rem;font-size:1.5rem;line-height:1.25}
h2{margin:0 0 .5rem;font-size:1rem}
p{margin:0 0 1rem}
a{color:var(--accent)}
ul{list-style:none;margin:0;padding:0}
section,fieldset{margin:0 0 1.25rem;padding:0;border:0;min-width:0}
legend{padding:0;margin:0 0 .5rem;font-weight:600}
code{font:.875em ui-monospace,"DejaVu Sans Mono",monospace}
.quiet,small{color:var(--quiet);font-size:.875rem}
.who{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:center;justify-content:space-between;padding:0 0 1rem;margin:0 0 1.25rem;border-bottom:1px solid var(--line);font-size:.875rem}
.who b{font-weight:600}
.link{padding:.25rem 0;min-height:1.75rem;border:0;background:none;color:var(--accent);font:inherit;text-decoration:underline;cursor:pointer}
.asks{font-size:1.125rem;font-weight:400;margin:0 0 1.25rem}
.asks .host{display:block;font-size:clamp(1.375rem,6.5vw,2rem);font-weight:700;line-height:1.2;margin:0 0 .25rem}
.to{font-weight:600}
.asks .to{font-weight:700}
.asks{margin:0 0 .25rem}
.checked{margin:0 0 1.25rem;color:var(--good);font-size:.875rem}
.at{display:inline-block;max-width:100%}
.ascii{display:block;color:var(--quiet);font-size:.875rem;font-weight:400}
.claims{padding:.75rem;border:1px dashed var(--quiet);border-radius:.5rem}
.claims h2 .quiet{font-weight:400}
.claims img{display:block;width:2.5rem;height:2.5rem;margin:0 0 .5rem;object-fit:contain;background:#fff;border-radius:.25rem}
dl,dd{margin:0}
dt{color:var(--quiet);font-size:.875rem}
dd{margin:0 0 .5rem}
dd:last-child{margin:0}
blockquote{margin:0;padding:.5rem .75rem;border-left:.25rem solid var(--line);background:var(--plain);border-radius:0 .5rem .5rem 0}
.scopes li{border:1px solid var(--line);border-bottom-width:0;padding:0}
.scopes li:first-child{border-radius:.5rem .5rem 0 0}
.scopes li:last-child{border-bottom-width:1px;border-radius:0 0 .5rem .5rem}
.scopes li:only-child{border-radius:.5rem}
.scopes label,.scopes .fixed{display:flex;gap:.75rem;padding:.625rem .75rem;align-items:flex-start;min-height:2.75rem}
.scopes label{cursor:pointer}
.scopes input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;flex:none;accent-color:var(--accent)}
.scopes span{min-width:0}
.scopes .sign{flex:none;width:1.25rem;text-align:center}
.scopes small{display:block}
.scopes .care{border:1px solid var(--care);border-left-width:.375rem}
.scopes .care+li{border-top-width:0}
.scopes .grave{color:var(--text)}
.scopes .unknown{color:var(--care)}
.care{padding:.75rem;border:1px solid var(--care);border-left-width:.375rem;border-radius:.5rem;background:var(--care-back)}
.care p:last-child{margin:0}
.care strong{color:var(--care)}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 1rem}
.button,button.button{flex:1 1 9rem;display:block;width:100%;min-height:3rem;padding:.625rem 1rem;border:2px solid var(--accent);border-radius:.5rem;background:var(--card);color:var(--accent);font:600 1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;text-align:center;text-decoration:none;cursor:pointer}
.button.solid{background:var(--accent);color:var(--on-accent)}
.choices li{margin:0 0 .75rem}
.choices small{display:block;font-weight:400}
.field{display:block;width:100%;margin:.25rem 0 1rem;padding:.75rem;border:2px solid var(--quiet);border-radius:.5rem;background:var(--card);color:var(--text);font:1.5rem ui-monospace,"DejaVu Sans Mono",monospace;letter-spacing:.125em;text-transform:uppercase}
:focus-visible{outline:.1875rem solid var(--accent);outline-offset:.125rem}
.solid:focus-visible{outline-color:var(--text)}
.brand{display:flex;align-items:center;gap:.75rem;margin:0 0 1.25rem;font-weight:600}
.brand img{display:block;max-width:10rem;max-height:2.5rem}
.languages{display:flex;gap:1rem;margin:1.5rem 0 0;font-size:.875rem}
.languages a{color:var(--quiet)}
.links{display:flex;flex-wrap:wrap;gap:.25rem 1rem}
.chain{margin:0;padding:0;list-style:none}
.chain li{position:relative;margin:0 0 .5rem;padding:.125rem 0 .125rem .75rem;border-left:.1875rem solid var(--line)}
.chain small{display:block}
.chain li+li{margin-left:1rem}
.chain li+li+li{margin-left:2rem}
.chain li+li+li+li{margin-left:3rem}
.chain li+li+li+li+li{margin-left:4rem}
.chain li+li+li+li+li+li{margin-left:5rem}
.chain li+li+li+li+li+li+li{margin-left:6rem}
.chain .now{border-left-color:var(--accent)}
.chain .next{border-left-style:dashed;border-left-color:var(--accent)}
.accounts li{padding:.75rem;margin:0 0 .75rem;border:1px solid var(--line);border-radius:.5rem}
.accounts .host{display:block;font-size:1.25rem;font-weight:700}
.accounts small{display:block}
.told{padding:.75rem;border:1px solid var(--good);border-left-width:.375rem;border-radius:.5rem}
.notices li{padding:.5rem 0;border-bottom:1px solid var(--line)}
.notices small{display:block}
.notices .good{color:var(--good)}
.notices .open{color:var(--care)}
.agent{padding:1rem;border:1px solid var(--line);border-radius:.5rem}
.agent h2{font-size:1.25rem;line-height:1.25}
.entry{padding:.75rem 0;border-top:1px solid var(--line)}
.entry p{margin:0 0 .5rem}
.entry small{display:block}
.entry .link,.agent .link{text-align:left}
.all{margin:1.5rem 0 0}
.held li{display:flex;gap:.75rem;justify-content:space-between;align-items:flex-start;padding:.375rem 0}
.held form{flex:none}
.held span{min-width:0}
.tabs{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0 0 1.5rem;border-bottom:1px solid var(--line)}
.tabs a{padding:.5rem 0;min-height:2.75rem;text-decoration:none;border-bottom:.1875rem solid transparent}
.tabs a[aria-current]{color:var(--text);font-weight:600;border-bottom-color:var(--accent)}
.rows{margin:0 0 1rem}
.rows li{display:flex;gap:.75rem;justify-content:space-between;align-items:flex-start;padding:.625rem 0;border-bottom:1px solid var(--line)}
.rows span{min-width:0}
.rows small{display:block}
.rows form{flex:none}
.rows .alarm{color:var(--care);font-weight:600}
.rows .alarm small{font-weight:400}
.labelled{display:block;font-weight:600}
.labelled small{display:block;font-weight:400}
.text{display:block;width:100%;margin:.25rem 0;padding:.625rem .75rem;min-height:3rem;border:2px solid var(--quiet);border-radius:.5rem;background:var(--card);color:var(--text);font:inherit;font-weight:400}
.passkey{margin:0 0 1.25rem}
.passkey .labelled{margin:0 0 1rem}
.passkey .care{margin:.75rem 0 0}
.check{display:flex;gap:.75rem;align-items:flex-start;padding:.625rem 0;min-height:2.75rem}
.check input{width:1.25rem;height:1.25rem;margin:.125rem 0 0;flex:none;accent-color:var(--accent)}
.call{padding:.875rem 1rem;border:1px solid var(--line);border-radius:.5rem}
.call h2,.calls .operation,.questions .operation{margin:0 0 .25rem}
.call .operation{margin:0 0 .5rem;font-size:1.125rem;font-weight:600}
.operation small{font-weight:400}
.operation .unknown{color:var(--care)}
.call .quiet,.call .warning{margin:.75rem 0 0}
.call.grave{border:1px solid var(--care);border-left-width:.375rem}
.warning{color:var(--text)}
.warning strong{color:var(--care)}
.display{margin:0;line-height:2;overflow:hidden}
.value{display:inline-block;max-width:100%;padding:0 .375rem;border:1px solid var(--quiet);border-radius:.25rem;background:var(--plain);font:.9375rem/1.6 ui-monospace,"DejaVu Sans Mono",monospace;vertical-align:middle;overflow:hidden;white-space:pre-wrap}
.value.none{border-style:dashed;color:var(--quiet);font-style:italic}
.aside{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:pre}
.rests{color:var(--care)}
.stop{margin:0 0 1.25rem}
.badge{display:inline-block;min-width:1.375rem;padding:0 .375rem;border-radius:1rem;background:var(--accent);color:var(--on-accent);font-size:.8125rem;font-weight:600;line-height:1.375rem;text-align:center}
.questions li{margin:0 0 .75rem;padding:.875rem 1rem;border:2px solid var(--accent);border-radius:.5rem}
.questions p,.calls p{margin:0 0 .5rem}
.calls li{padding:.75rem 0;border-top:1px solid var(--line)}
.calls li:last-child{border-bottom:1px solid var(--line)}
.button.danger{border-color:var(--bad);color:var(--bad)}
.given ul{padding:.5rem .75rem;background:var(--plain);border-radius:.5rem}
.given li+li{margin-top:.5rem}
.given small,.check small{display:block}
.terms{margin:0 0 .5rem;padding:.5rem .75rem;background:var(--plain);border-radius:.5rem}
.limits.open>:first-child{border-top:0}
.back{margin:1rem 0 0}
.calls+p{margin-top:.5rem}
.purposes{margin:0 0 1.25rem}
.limits{margin:0 0 1.25rem;border:1px solid var(--line);border-radius:.5rem}
.limits summary{padding:.625rem .75rem;min-height:2.75rem;cursor:pointer;font-weight:600}
.limits summary small{font-weight:400}
.limits[open] summary{border-bottom:1px solid var(--line)}
.limits fieldset,.limits>.labelled{margin:0;padding:.75rem}
.limits>*+*{border-top:1px solid var(--line)}
.limits[open]>summary+*{border-top:0}
.limits .check{padding:.375rem 0;min-height:2.25rem}
.limits legend{float:left;width:100%;margin:0 0 .25rem}
.limits legend+*{clear:both}
.days{display:flex;flex-wrap:wrap;gap:.25rem .5rem;margin:0 0 .75rem}
.days label{display:flex;gap:.25rem;align-items:center;min-height:2.25rem;cursor:pointer}
.days input{width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent)}
.times{display:flex;flex-wrap:wrap;gap:.25rem .75rem}
.times label{flex:1 1 7rem;font-weight:400}
.times .zone{flex:2 1 12rem}
.number{max-width:10rem}
@media(forced-colors:active){.button,.care,.claims,.value,.badge{border-color:currentColor}.badge{border:1px solid}}
`
