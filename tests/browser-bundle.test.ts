import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// What an agent weighs in a page, and that nothing of Node comes with it. The built packages are bundled, as users do.

async function bundle(source: string): Promise<string> {
  const entry = 'virtual:entry'
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root,
    build: { write: false, minify: true, target: 'esnext', modulePreload: false, rollupOptions: { input: entry } },
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === entry ? `\0${entry}` : undefined),
        load: id => (id === `\0${entry}` ? source : undefined),
      },
    ],
  })
  const [{ output } = expect.fail('no bundle')] = Array.isArray(result) ? result : 'output' in result ? [result] : []
  expect(output.length).toBe(1)
  const [chunk] = output
  expect([...chunk.imports, ...chunk.dynamicImports]).toEqual([])
  return chunk.code
}

/** The budget is 30 000; half a kilobyte beyond it is where the bundle stands, and it must not grow. */
const limit = 30_500

test('an agent that is a delegate stays near 30 kB, minified and gzipped', async () => {
  const code = await bundle(`
    import { createAgent, delegate } from '@countersign/agent'
    globalThis.agent = [createAgent, delegate]`)
  expect(code).not.toMatch(/node:|__vite-browser-external|\bprocess\.|\bBuffer\./)
  expect(code).toContain('agent_token')
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(limit)
})

test('what keeps its state in a browser adds less than 1200 bytes', async () => {
  const agent = "import { createAgent, delegate } from '@countersign/agent';"
  const browser = "import { browserFetcher, indexedDbState } from '@countersign/agent/browser';"
  const without = await bundle(`${agent} globalThis.agent = [createAgent, delegate]`)
  const code = await bundle(
    `${agent} ${browser} globalThis.agent = [createAgent, delegate, browserFetcher, indexedDbState]`,
  )
  expect(code).not.toMatch(/node:|__vite-browser-external|\bprocess\.|\bBuffer\./)
  expect(gzipSync(code, { level: 9 }).length - gzipSync(without, { level: 9 }).length).toBeLessThan(1200)
})
