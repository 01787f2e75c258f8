import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { asHolder, asKey } from '@countersign/testing/world/signer'
import { beforeAll, expect, test } from 'vitest'
import type { RequestNamer, ResourceEvent } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

function named(requestId?: RequestNamer) {
  const events: ResourceEvent[] = []
  const onEvent = (event: ResourceEvent) => events.push(event)
  return { events, resource: world.calendar({ onEvent, ...(requestId === undefined ? {} : { requestId }) }) }
}

const message = { method: 'GET', target: '/', headers: [['host', 'calendar.example']] } as const
const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)

test.each<readonly [what: string, received: string | undefined, namer: RequestNamer | undefined, name: unknown]>([
  ['nothing names it', undefined, undefined, undefined],
  ['it has a name', 'req-1', undefined, 'req-1'],
  ['it has one, and the option another', 'req-1', () => 'other', 'req-1'],
  ['only the option has one', undefined, ({ target }) => `Root=1-67891233${target}`, 'Root=1-67891233/'],
  ['the option has none', undefined, () => undefined, undefined],
  ['the option throws', undefined, () => JSON.parse('no'), undefined],
  ['it is long', 'x'.repeat(65), undefined, uuid],
  ['it is as long as may be', 'x'.repeat(64), undefined, 'x'.repeat(64)],
  ['it is empty', undefined, () => '', uuid],
  ['it ends a line', undefined, () => 'name\n', uuid],
])(verifies('LOG-06', 'the name of a request where %s'), async (_, requestId, namer, name) => {
  const { events, resource } = named(namer)
  const received = requestId === undefined ? message : { ...message, requestId }
  expect((await resource.authorize(received, { level: 'anonymous' })).ok).toBe(true)
  expect(events.map(event => event.request_id)).toEqual([name])
})

test(verifies('LOG-03', 'LOG-06', 'a request has one name, and is one request under it'), async () => {
  const { events, resource } = named(() => 'a name that is replaced')
  const limits = { pseudonymous: '5/hour' }
  const as = asKey(await generateSigningKey())
  const post = await world.request({ as, method: 'POST' })
  const first = await resource.authorize(post, { level: 'pseudonymous' })
  const declared = resource.declare({ level: 'pseudonymous', limits })
  const second = await resource.authorize(post, declared)
  expect([first.ok, second.ok], 'two guards are no replay').toEqual([true, true])
  const headers = new Headers()
  resource.responseHeaders({ status: 200, headers }, declared, post)
  expect(headers.get('ratelimit')).toMatch(/"pseudonymous";r=4/)
  expect((await resource.authorize({ ...post }, declared)).ok).toBe(false)
  const asked = await world.request({ as: asHolder(world.delegateKey, await world.agentToken()) })
  await resource.authorize(asked, { scope: 'events.read' })
  const names = events.map(event => event.request_id)
  expect(events.map(({ type }) => type)).toEqual(['passed', 'passed', 'refused', 'resource_token', 'refused'])
  expect(names).toEqual([uuid, names[0], uuid, uuid, names[3]])
  expect(new Set(names).size).toBe(3)
})
