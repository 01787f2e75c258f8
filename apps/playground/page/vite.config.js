import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { pasteExamplesPlugin } from './paste-examples.mjs'

const at = path => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('.'),
  publicDir: false,
  logLevel: 'warn',
  // Sources of the packages, so that the page can be built without them.
  // `workerd` comes with the descriptions of refusals, which the `browser` entries leave out: the page shows them.
  resolve: { conditions: ['@countersign/source', 'workerd', 'browser', 'module', 'import', 'default'] },
  plugins: [pasteExamplesPlugin()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: at('../page-dist'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    // The content security policy of the page lets nothing in from elsewhere, data URLs for scripts and styles included.
    assetsInlineLimit: 0,
  },
})
