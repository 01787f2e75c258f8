import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { MixedOrder } from './tests/mixed-order.fixture.js'

// Not `import`: workers would apply it to `require` as well, and CommonJS packages would get ES modules. Nor `module`, which
// Node does not know: what packages have there is for bundlers, and need not run.
const conditions = ['@countersign/source', 'node', 'default']
const resolve = { conditions }
const ssr = { resolve: { conditions, externalConditions: conditions } }
// Set by scripts/test.mjs: a full run, in which every requirement of what is built must have been proven.
const gate = process.env['COUNTERSIGN_GATE'] === '1'
const long = process.env['COUNTERSIGN_LONG'] === '1'
// Set where other work may slow the machine: a test that misses a deadline gets a second try, and the report says which did.
const retry = process.env['COUNTERSIGN_RETRY'] === '1' ? 1 : 0
const tests = long ? ['.test.ts', '.test.long.ts'] : ['.test.ts']

// Many tests wait for processes, databases and deadlines; by default one processor of two would do nothing.
// Said for each project, too: they do not inherit it.
const maxWorkers = availableParallelism() + 2
// Of tests that say `concurrent`, since most of their time they wait.
const maxConcurrency = 20

/** It takes all that the machine has, and whoever shares it with others waits longer than an agent does. */
const saturating = 'tests/fleet.long.ts'

const files = [
  ...tests.flatMap(end => [`{packages,apps}/*/src/**/*${end}`, `requirements/src/**/*${end}`]),
  'chaos/**/*.test.ts',
  ...(long ? ['tests/**/*.test.ts', 'tests/**/*.long.ts'] : ['tests/**/*.test.ts']),
]

/** One project for all that can run at once: a worker loads what they share once, and serves one project only. */
function project(name: string, include: string[], groupOrder: number) {
  return {
    resolve,
    ssr,
    test: {
      name,
      include,
      exclude: ['**/node_modules/**', '**/dist/**', ...(name === 'saturating' ? [] : [saturating])],
      globalSetup: ['tests/published-command.setup.ts'],
      setupFiles: ['testing/base/src/after-file.setup.ts'],
      pool: 'threads' as const,
      isolate: false,
      maxWorkers,
      maxConcurrency,
      retry,
      // A property takes seconds on a busy machine, minutes with the cases of the long tier, whose files name longer times only.
      testTimeout: long ? 600_000 : 60_000,
      hookTimeout: long ? 600_000 : 120_000,
      // One group after the other.
      sequence: { groupOrder },
    },
  }
}

export default defineConfig({
  resolve,
  ssr,
  test: {
    pool: 'threads',
    isolate: false,
    maxWorkers,
    sequence: { sequencer: MixedOrder },
    reporters: gate
      ? [
          'default',
          './requirements/src/reporter.ts',
          './tests/second-tries.reporter.ts',
          './tests/titles.reporter.ts',
          ['json', { outputFile: 'node_modules/.cache/countersign/tests.json' }],
        ]
      : ['default'],
    projects: [project('all', files, 0), ...(long ? [project('saturating', [saturating], 1)] : [])],
  },
})
