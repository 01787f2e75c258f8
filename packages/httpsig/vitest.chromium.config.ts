import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'

// The tests of this package once more, in a real browser: `npx vitest run --config packages/httpsig/vitest.chromium.config.ts`.

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []

export default defineConfig({
  root: here('.'),
  cacheDir: here('../../node_modules/.cache/countersign/chromium'),
  resolve: {
    conditions: ['@countersign/source', 'browser', 'module', 'default'],
    alias: [
      // A browser has the portable half only.
      { find: /^(\.{1,2}\/(?:[a-z]+\/)?)(base64url|crypto|hash)-node\.js$/, replacement: '$1$2-web.js' },
      { find: 'node:crypto', replacement: here('src/node-crypto.test.fixture.ts') },
    ],
  },
  optimizeDeps: { entries: ['src/**/*.test.ts', 'src/**/*.test.fixture.ts'] },
  test: {
    name: 'httpsig in Chromium',
    testTimeout: 30_000,
    include: ['src/**/*.test.ts'],
    // What needs Node by nature: its requests, sockets, files, threads, memory, and a package that signs with node:crypto.
    // In pages, options are checked by their names alone, and no key is waited for: see `check-options-browser.ts`.
    exclude: [
      'src/**/*node.test.ts',
      'src/**/node-head.test.ts',
      'src/**/gathered-bytes.test.ts',
      'src/**/head-watch.test.ts',
      'src/**/check-options.test.ts',
      'src/**/sign-bytes.test.ts',
      'src/exports.test.ts',
      'src/reasons.test.ts',
      'src/**/vectors*.test.ts',
      'src/**/wycheproof*.test.ts',
      'src/**/message-interop.test.ts',
    ],
    setupFiles: [here('src/buffer.test.fixture.ts')],
    reporters: ['default', 'json'],
    outputFile: { json: here('../../node_modules/.cache/countersign/chromium.json') },
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: process.env['COUNTERSIGN_CHROMIUM'] ?? '/usr/bin/chromium',
          args: ['--disable-background-networking', ...sandbox],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
})
