import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const at = path => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: at('.'),
  publicDir: false,
  logLevel: 'warn',
  // Sources of the packages, so that the page can be built without them.
  resolve: { conditions: ['@countersign/source', 'browser', 'module', 'import', 'default'] },
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
