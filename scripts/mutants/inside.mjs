// Judges mutants by tests inside: one Vitest for many of them, which loads each mutant in place of its file.
import { join } from 'node:path'
import { createVitest } from 'vitest/node'
import { root } from '../install.mjs'

/** Which Vitest is the next, so that each finds its own sources. */
let opened = 0

/** Opens Vitest. `judge` runs tests against a mutant until one fails: those of a title, or all of a file. */
export async function openInside({ bail = 1 } = {}) {
  const sources = `MUTANT_SOURCES_${opened++}`
  process.env.MUTANT_SOURCES = sources
  const silent = { onTestRunEnd: () => undefined }
  const vitest = await createVitest('test', {
    root,
    config: join(root, 'scripts/mutants/vitest.config.ts'),
    watch: false,
    // Some tests load native code, which would end this process when it is loaded again.
    pool: 'forks',
    bail,
    maxWorkers: 2,
    testTimeout: 30_000,
    reporters: [silent],
  })
  return {
    judge: (mutant, tests) => judgeInside(vitest, mutant, { tests, sources }),
    async runAll(files, changed) {
      process.env[sources] = JSON.stringify(changed)
      return vitest.runTestSpecifications(await vitest.globTestSpecifications(files.map(file => join(root, file))))
    },
    close: () => vitest.close(),
  }
}

async function judgeInside(vitest, { file, source }, { tests, sources }) {
  const changed = join(root, file)
  process.env[sources] = JSON.stringify({ [changed]: source })
  vitest.invalidateFile(changed)
  // Failures of the mutant before would count for `bail`, and stand among the results.
  vitest.state.filesMap.clear()
  vitest.state.idMap.clear()
  vitest.setGlobalTestNamePattern(patternOf(tests))
  const specifications = await vitest.globTestSpecifications(tests.map(test => join(root, test.file)))
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  vitest.invalidateFile(changed)
  return verdictOf(testModules, unhandledErrors)
}

function patternOf(tests) {
  if (tests.some(({ title }) => title === undefined)) return /(?:)/
  return new RegExp(tests.map(({ title }) => `${title.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`).join('|'))
}

function verdictOf(modules, unhandled) {
  const all = modules.flatMap(module => [...module.children.allTests()])
  const failed = all.find(test => test.result().state === 'failed')
  if (failed !== undefined)
    return { killedBy: { file: failed.module.relativeModuleId, title: failed.name }, errors: failed.result().errors }
  const errors = [...modules.flatMap(module => module.errors()), ...unhandled]
  if (errors.length > 0) return { broken: `the tests did not run: ${errors[0].message}` }
  return { passed: all.filter(test => test.result().state === 'passed').length }
}
