import { readFileSync } from 'node:fs'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { adapters } from './suite/adapters.test.fixture.js'
import { kinds } from './suite/cases.test.fixture.js'
import { conditionCases } from './suite/conditions.test.fixture.js'
import { makeWorld } from './world.test.fixture.js'

// What a resource says that it enforces is what the suite tries behind every adapter.

const { calendar } = await makeWorld()

function byName(a: string, b: string): number {
  return a.localeCompare(b)
}

async function supported(resource: ReturnType<typeof calendar>): Promise<string[]> {
  const asked = { method: 'GET', target: '/.well-known/aauth-resource', headers: [] }
  const answer = await resource.handle(asked)
  return Object(await answer?.json()).constraints_supported.toSorted(byName)
}

test(
  verifies('policy.supported', 'a resource lists the kinds of conditions that are tried behind every adapter'),
  async () => {
    const tried = Object.keys(kinds)
    const resource = calendar()
    resource.declare({ level: 'identified' }, { answers: 'projected' })
    expect(await supported(resource)).toEqual(tried.toSorted(byName))
    const rows = new Set(conditionCases.map(({ type }) => type))
    const byRows = tried.filter(kind => kinds[kind as keyof typeof kinds] === kinds.until)
    expect(byRows.filter(kind => !rows.has(kind))).toEqual([])
  },
)

test(verifies('policy.supported', 'a route that does not project answers takes data off the list'), async () => {
  const resource = calendar()
  resource.declare({ level: 'identified' }, { answers: 'projected' })
  expect(await supported(resource)).toContain('data')
  resource.declare({ level: 'identified' })
  expect(await supported(resource)).not.toContain('data')
})

test(verifies('policy.supported', 'a request whose route its body tells takes nothing off the list'), async () => {
  const resource = calendar()
  resource.declare({ level: 'identified' }, { answers: 'projected' })
  const before = await supported(resource)
  await resource.read({ method: 'POST', target: '/', headers: [['host', 'calendar.example']] })
  expect(await supported(resource)).toEqual(before)
  expect(before).toContain('data')
})

test('every adapter that the package has is among those that the suite runs behind', () => {
  const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const others = ['.', './internal', './oauth', './otel']
  const entries = Object.keys(exports).filter(entry => !others.includes(entry))
  const names = adapters.map(({ name }) => name.toLowerCase().replace('node:http', 'node'))
  expect(names.toSorted(byName)).toEqual(entries.map(entry => entry.slice(2)).toSorted(byName))
})
