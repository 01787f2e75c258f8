import { build } from 'vite'
import { expect } from 'vitest'
import { root } from './processes.fixture.js'

/** The built packages as one module for the web, as users bundle them. */
export async function bundle(source: string): Promise<string> {
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
