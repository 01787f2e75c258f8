// Builds the page of the playground into apps/playground/page-dist.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const at = path => fileURLToPath(new URL(`../apps/playground/${path}`, import.meta.url))
const configFile = at('page/vite.config.js')

await build({ configFile })

/** The paste box as one file: a module script would not load from file://, so all of it is in the page. */
async function buildPastePage() {
  const [built] = [
    await build({
      configFile,
      build: {
        write: false,
        emptyOutDir: false,
        lib: { entry: at('page/src/paste/paste-main.tsx'), formats: ['iife'], name: 'paste', cssFileName: 'paste' },
      },
    }),
  ].flat()
  const script = built.output.find(({ type }) => type === 'chunk').code.trim()
  const style = String(built.output.find(({ fileName }) => fileName.endsWith('.css')).source).trim()
  // Either would end its element.
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
    throw new Error('the page cannot be written into one file')
  const hash = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`
  writeFileSync(
    at('page-dist/paste.html'),
    `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="referrer" content="no-referrer" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Take a message apart · Countersign</title>
    <link rel="icon" href="data:," />
    <style>${style}</style>
  </head>
  <body>
    <div id="app"></div>
    <noscript>This page needs JavaScript: it judges what you paste by itself.</noscript>
    <script>${script}</script>
  </body>
</html>
`,
  )
}

await buildPastePage()
