import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('importing the package loads no driver: a program needs only the driver of its own database', () => {
  const reached = new Set<string>()
  const drivers = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    const text = readFileSync(fileURLToPath(new URL(file, import.meta.url)), 'utf8')
    // `import type` is gone when it runs, and `import()` comes when it is needed.
    for (const [, imported = ''] of text.matchAll(/^(?:import|export)(?! type)[^'(]* from '([^']+)'/gm))
      if (imported.startsWith('.')) visit(imported.replace(/\.js$/, '.ts'))
      else if (['libsql', 'pg'].includes(imported)) drivers.add(`${file}: ${imported}`)
  }
  visit('./index.ts')
  expect(reached).toContain('./open-store.ts')
  expect([...drivers]).toEqual([])
  // The walk finds one where there is one.
  visit('./postgres.ts')
  expect([...drivers]).toEqual(['./postgres-pool.ts: pg'])
})
