import { afterAll, describe } from 'vitest'
import { installRuntimes } from '../../../../scripts/runtimes.mjs'
import type { Adapter } from '../site.test.fixture.js'
import { decisionCases, messageCases } from '../suite/cases.test.fixture.js'
import { stages } from '../suite/stage.test.fixture.js'
import { type Runtime, remoteAdapter, workerdConfig } from './runtime.test.fixture.js'

// The suite of every adapter, with the site on the runtimes themselves: Bun, Deno and workerd, each as a process.

const programs = installRuntimes()
const { missing } = { missing: undefined, ...programs }
const of = (name: 'bun' | 'deno' | 'workerd'): string => ('missing' in programs ? '' : programs[name])

const bun = { program: of('bun'), conditions: ['bun', 'node', 'default'] }
const deno = { program: of('deno'), conditions: ['deno', 'node', 'default'] }
const runs = ['run', '--allow-all', '--no-config', '--no-lock']
const fetching = { wire: true, answersErrors: false, inApp: true, runtime: 'parsed' } as const
const onNode = { wire: true, answersErrors: true, inApp: true, runtime: 'raw' } as const

const runtimes: ReadonlyArray<readonly [Runtime, Omit<Adapter, 'name' | 'make'>]> = [
  [{ ...bun, name: 'Bun', entry: 'bun', start: ({ bundle }) => ['run', bundle] }, fetching],
  [{ ...bun, name: 'Bun, node:http', entry: 'node', start: ({ bundle }) => ['run', bundle] }, onNode],
  [{ ...deno, name: 'Deno', entry: 'deno', start: ({ bundle }) => [...runs, bundle] }, fetching],
  [{ ...deno, name: 'Deno, node:http', entry: 'node', start: ({ bundle }) => [...runs, bundle] }, onNode],
  [
    {
      name: 'workerd',
      program: of('workerd'),
      entry: 'workerd',
      conditions: ['workerd', 'worker', 'browser', 'default'],
      start: ({ bundle, folder, port }) => ['serve', workerdConfig(bundle, folder, port)],
    },
    { ...fetching, hidesAddresses: true },
  ],
]

const stageOf = await stages()

for (const [runtime, more] of runtimes)
  describe.skipIf(missing !== undefined)(runtime.name + (missing === undefined ? '' : ` (skipped: ${missing})`), () => {
    const { adapter, stop } = remoteAdapter(runtime, more)
    afterAll(stop)
    messageCases(stageOf(adapter))
    decisionCases(stageOf(adapter))
  })
