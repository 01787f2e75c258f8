/** The one stylesheet of all pages; it stands inside each, and its hash in their policy. */
export const stylesheet: string = `
:root{color-scheme:light dark;--page:#f3f5f7;--card:#fff;--text:#1b1f24;--quiet:#545d68;--line:#c9d0d8;--accent:#0b57d0;--on-accent:#fff;--plain:#eef1f4;--good:#0f6b3c;--care:#8a4b00;--care-back:#fff6e5}
@media(prefers-color-scheme:dark){:root{--page:#0f1215;--card:#191d22;--text:#e9ecef;--quiet:#aab3bd;--line:#3d454e;--accent:#8ab4f8;--on-accent:#0b1a33;--plain:#262c33;--good:#7fd6a3;--care:#ffc46b;--care-back:#2c2415}}
*{box-sizing:border-box}
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
@media(forced-colors:active){.button,.care,.claims{border-color:currentColor}}
`
