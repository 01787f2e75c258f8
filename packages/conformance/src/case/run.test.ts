import { expect, test } from 'vitest'
import { allCases } from '../all-cases.js'
import { readRequirements } from '../requirements.js'
import type { Case } from './case.js'
import { runCases } from './run.js'

const [first = '', second = '', third = '', alone = ''] = allCases().map(({ id }) => id)

/** Runs cases at once; each takes some milliseconds. */
async function runAll(
  o: { readonly id: string; readonly group: string; readonly takes: number; readonly alone?: true }[],
) {
  const log: string[] = []
  const told: string[] = []
  const cases = o.map(
    ({ takes, ...one }): Case<undefined> => ({
      ...one,
      async run(trial) {
        log.push(`${one.id} begins`)
        await new Promise(resolve => setTimeout(resolve, takes))
        trial.holds('it ran', true)
        log.push(`${one.id} ends`)
      },
    }),
  )
  const results = await runCases<undefined>({
    cases,
    stage: undefined,
    needs: {},
    requirements: readRequirements(),
    sender: () => Promise.reject(new TypeError('nothing is sent')),
    invariant: async trial => trial.holds('all still works', true),
    atOnce: true,
    onResult: ({ id }) => told.push(id),
  })
  return { log, told, ids: results.map(({ id }) => id) }
}

test('cases that run at once are told in their order', async () => {
  const { log, told, ids } = await runAll([
    { id: first, group: 'a', takes: 40 },
    { id: second, group: 'a', takes: 1 },
    { id: third, group: 'b', takes: 20 },
  ])
  expect(ids).toEqual([first, second, 'after:a', third, 'after:b'])
  expect(told).toEqual(ids)
  expect(log.slice(0, 3).every(line => line.endsWith('begins'))).toBe(true)
})

test('while a case runs that must run alone, no other does', async () => {
  const { log, ids } = await runAll([
    { id: alone, group: 'a', takes: 1, alone: true },
    { id: first, group: 'a', takes: 20 },
    { id: second, group: 'b', takes: 40 },
  ])
  expect(log.slice(-2)).toEqual([`${alone} begins`, `${alone} ends`])
  expect(ids).toEqual([alone, first, 'after:a', second, 'after:b'])
})
