import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.js'

// The tests of the repository on changed sources: the variable that MUTANT_SOURCES names says which file has the text of which, as JSON.
const name = process.env['MUTANT_SOURCES'] ?? ''
const mutant = {
  name: 'mutant',
  enforce: 'pre' as const,
  load(id: string): string | undefined {
    const sources: Readonly<Record<string, string>> = JSON.parse(process.env[name] ?? '{}')
    const source = sources[id]
    return source === undefined ? undefined : readFileSync(source, 'utf8')
  },
}

const [all] = base.test?.projects ?? []
const { test, ...rest } = Object(all)
const setupFiles = [...test.setupFiles, 'scripts/mutants/reached.setup.ts']
// A mutant without a bound may take memory for ever: then its tests end with their process, and nothing was seen.
const execArgv = [...(test.execArgv ?? []), '--max-old-space-size=1536']
const own = { ...test, setupFiles, execArgv, pool: 'forks' }
export default defineConfig({
  ...base,
  test: { ...base.test, projects: [{ ...rest, plugins: [mutant], test: own }] },
})
