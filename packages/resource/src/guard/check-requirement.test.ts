import { generateSigningKey } from '@countersign/httpsig'
import { asAgent, asKey } from '@countersign/testing/world/signer'
import { beforeAll, describe, expect, test } from 'vitest'
import * as express from '../adapter/express-node.js'
import * as fastify from '../adapter/fastify-node.js'
import * as fetchGuard from '../adapter/fetch.js'
import * as hono from '../adapter/hono.js'
import * as node from '../adapter/node.js'
import type { Requirement } from '../index.js'
import { makeWorld, type World } from '../world.test.fixture.js'

let world: World
beforeAll(async () => {
  world = await makeWorld()
})

type Need = Requirement<'events.read' | 'events.write'>

const handler = () => new Response()

/** Every adapter's `guard`, as JavaScript calls it. */
const guards: Readonly<Record<string, (need: unknown, options?: unknown) => unknown>> = {
  hono: (need, options) => hono.guard(world.calendar(), need as Need, options as object),
  express: (need, options) => express.guard(world.calendar(), need as Need, options as object),
  fastify: (need, options) => fastify.guard(world.calendar(), need as Need, options as object),
  node: (need, options) => node.guard(world.calendar(), need as Need, () => {}, options as object),
  fetch: (need, options) => fetchGuard.guard(world.calendar(), need as Need, handler, options as object),
}

describe.each(Object.keys(guards))('guard of %s', adapter => {
  const guard = guards[adapter] ?? expect.fail()

  test('a misspelt list of agents is refused, where it let any key in', () => {
    expect(() => guard({ agent: ['https://agent.example'] })).toThrow(
      new TypeError("guard: unknown option 'agent'; did you mean 'agents'?"),
    )
    expect(() => guard({ agents: ['https://agent.example'] })).not.toThrow()
  })

  test('a misspelt level is refused, where it let any agent in without a token', () => {
    expect(() => guard({ level: 'authorised', scope: 'events.read' })).toThrow(
      /option 'level' must be .*; did you mean 'authorized'\?$/,
    )
    expect(() => guard({ level: 'authorized', scope: 'events.read' })).not.toThrow()
  })

  test('an empty requirement is refused with what to write', () => {
    const told = /^guard: say whom the route lets in: level 'anonymous' \(everybody\)/
    expect(() => guard({})).toThrow(told)
    expect(() => guard({ level: 'pseudonymous' })).not.toThrow()
  })

  test('a list that is undefined, as of a misspelt name of a configuration, is refused, where it let any agent in', () => {
    const right = {
      agents: ['https://agent.example'],
      users: [],
      deny: {},
      via: ['https://hop.example'],
      limits: {},
      scope: 'events.read',
      level: 'authorized',
      components: ['content-type'],
      replay: 'all',
      policy: () => 'allow',
    }
    for (const member of Object.keys(right))
      expect(() => guard({ ...right, [member]: undefined })).toThrow(
        new TypeError(`guard: option '${member}' is undefined; leave it out, or give it a value`),
      )
    expect(() => guard(right)).not.toThrow()
    expect(() => guard({ level: 'identified', cacheControl: undefined })).not.toThrow()
  })

  test('options of the adapter that it does not have are refused', () => {
    expect(() => guard({ level: 'anonymous' }, { bodylimit: 10 })).toThrow(
      new TypeError("guard: unknown option 'bodylimit'; did you mean 'bodyLimit'?"),
    )
    expect(() => guard({ level: 'anonymous' }, { bodyLimit: 10 })).not.toThrow()
  })
})

test('a misspelt list or limit in a requirement is a TypeError, since it would restrict no caller', () => {
  const resource = world.calendar()
  for (const [need, told] of [
    [{ level: 'identified', deny: { agent: [] } }, "guard: deny: unknown option 'agent'; did you mean 'agents'?"],
    [{ level: 'identified', dney: {} }, "guard: unknown option 'dney'; did you mean 'deny'?"],
    [
      { level: 'identified', limits: { identifed: '1/min' } },
      "guard: unknown option 'limits.identifed'; did you mean 'identified'?",
    ],
    [
      { scope: 'events.read', users: [{ iss: 'https://auth.example', sub: '1', agnet: 'https://agent.example' }] },
      "guard: unknown option 'users[0].agnet'; did you mean 'agent'?",
    ],
    [
      { level: 'identified', replay: 'al' },
      'guard: option \'replay\' must be "unsafe" or "all"; did you mean \'all\'?',
    ],
    [
      { name: '/events', level: 'identified', agents: 'https://agent.example' },
      "guard (/events): option 'agents' must be an array of identifiers, 'any' or a function",
    ],
  ] as const)
    expect(() => resource.declare(need as never)).toThrow(new TypeError(told))
})

test('wildcards and agents that would never match are refused', () => {
  const resource = world.calendar()
  for (const agent of ['https://*.acme.example/', 'http://*.acme.example', 'https://agent.example/', '*.acme.example'])
    expect(() => resource.declare({ agents: [agent] }), agent).toThrow(TypeError)
  expect(() => resource.declare({ agents: ['https://*.acme.example'] })).not.toThrow()
})

test('an undeclared requirement with a misspelt member admits no caller', async () => {
  const resource = world.calendar()
  const message = await world.request({ as: asKey(await generateSigningKey()) })
  await expect(resource.authorize(message, { agent: ['https://agent.example'] } as never)).rejects.toThrow(TypeError)
  const right = await world.request({ as: asAgent(world.agent) })
  expect((await resource.authorize(right, { agents: [world.agent.id] })).ok).toBe(true)
})

describe('createResource', () => {
  const make = (options: unknown) => world.calendar(options as object)

  test('a misspelt option is refused', () => {
    expect(() => make({ authServer: 'https://auth.example' })).toThrow(
      new TypeError("createResource: unknown option 'authServer'; did you mean 'authServers'?"),
    )
    expect(() => make({ authServers: ['https://auth.example'] })).not.toThrow()
    expect(() => make({ deny: { agnets: ['https://agent.example'] } })).toThrow(
      new TypeError("createResource: deny: unknown option 'agnets'; did you mean 'agents'?"),
    )
    expect(() => make({ downstream: { acceptAuthServer: 'any', identifyto: [] } })).toThrow(
      new TypeError("createResource: unknown option 'downstream.identifyto'; did you mean 'identifyTo'?"),
    )
  })

  test('without keys it says so', () => {
    expect(() => make({ keys: undefined })).toThrow(new TypeError("createResource: option 'keys' is missing"))
  })

  test('observe takes true or false: nothing else opens the door', () => {
    expect(() => make({ observe: 'false' })).toThrow(
      new TypeError("createResource: option 'observe' must be true or false, not a string"),
    )
    expect(() => make({ observe: false })).not.toThrow()
  })
})
