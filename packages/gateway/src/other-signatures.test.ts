import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { beforeAll, expect, test } from 'vitest'
import { proxiesOf } from './check.test.fixture.js'
import { call, ok, stage } from './stage.test.fixture.js'
import { makeWorld, type World } from './world.test.fixture.js'

const events: ResourceEvent[] = []
let world: World
beforeAll(async () => {
  const made = await makeWorld()
  const onEvent = (event: ResourceEvent) => events.push(event)
  world = { ...made, resource: createResource({ replay: startedReplaySet(), ...made.settings, onEvent }) }
})
const start = stage(() => world)
const { nginx } = proxiesOf(() => world)

const botLines: Array<[string, string]> = [
  ['Signature-Input', 'bot=("@authority" "signature-agent");created=1;keyid="bot-key";tag="web-bot-auth"'],
  ['Signature', 'bot=:AAAA:'],
  ['Signature-Agent', '"https://bot.example"'],
]

test(verifies('SIG-36', 'sig.headers.others', 'neither the API nor an event learns of another signature'), async () => {
  const { port, upstream } = await start(ok)
  const headers = [...(await world.sign({ as: world.agent, target: '/x' })), ...botLines]
  expect((await call(port, { target: '/x', headers })).body).toBe('hello')
  const open = await call(port, { target: '/open', headers: [['host', 'api.example'], ...botLines] })
  expect(open.body).toBe('hello')
  const [passed, anonymous] = upstream.seen
  expect(passed?.headers.find(([name]) => name === 'aauth-agent')).toEqual(['aauth-agent', 'https://agent.example'])
  expect(anonymous?.headers.filter(([name]) => name.startsWith('aauth-'))).toEqual([['aauth-level', 'anonymous']])
  expect(JSON.stringify(upstream.seen)).not.toMatch(/bot|"signature/)

  const unknown = [['host', 'api.example'] as const, ...botLines]
  expect((await call(port, { target: '/x', headers: unknown })).status).toBe(401)
  const changed = headers.map(([name, value]): [string, string] => [
    name,
    value.replace('bot.example', 'other.example'),
  ])
  expect((await call(port, { target: '/y', headers: changed })).status).toBe(401)
  expect(upstream.seen).toHaveLength(2)
  expect(JSON.stringify(events)).not.toContain('bot')
  expect(events.map(({ type }) => type)).toEqual(['passed', 'passed', 'refused', 'refused'])
})

test(verifies('SIG-36', 'a proxy gets the caller’s identity from the check by the AAuth signature only'), async () => {
  const told = await nginx()({ as: world.agent, target: '/a', forged: botLines })
  expect([told.status, told.headers.get('aauth-agent')]).toEqual([200, 'https://agent.example'])
  expect(JSON.stringify([...told.headers])).not.toContain('bot')
})
