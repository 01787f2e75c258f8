import { type Agent, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { createResource, type Guarded, type ResourceOptions } from '@countersign/resource'
import type { Participant } from '@countersign/server'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// A user allows one scope, then a second one of the same resource: at the calendar, and at the rooms that it calls.
// The lists of both auth servers name these scopes and no `openid`.

const place = domains()
type Ids = [string, string, string, string, string]
let [app, one, two, calendar, rooms] = ['', '', '', '', '']
let agent: Agent

/** A resource whose paths each ask for a scope of their own. */
async function resourceOf<S extends string>(
  options: Omit<ResourceOptions<S>, 'keys' | 'development'>,
  paths: Readonly<Record<string, S>>,
  answer: (aauth: Guarded, path: string) => Promise<Response>,
): Promise<void> {
  const resource = createResource<S>({
    ...options,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    development: true,
  })
  const declared = new Map(Object.entries(paths).map(([path, scope]) => [path, resource.declare({ scope })]))
  const participant: Participant = {
    async handle(message) {
      const published = await resource.handle(message)
      const requirement = declared.get(message.target)
      if (published !== undefined || requirement === undefined) return published ?? new Response(null, { status: 404 })
      const authorization = await resource.authorize(message, requirement)
      if (!authorization.ok) return authorization.response
      try {
        return await answer(authorization.aauth, message.target)
      } catch (error) {
        const told = await authorization.respond(error)
        if (told === undefined) throw error
        return told
      }
    },
  }
  await place.open('resource', options.id, participant)
}

async function authServer(issuer: string, options: object): Promise<void> {
  const keys = [{ kid: 'a1', key: await generateSigningKey() }]
  const common = { issuer, keys, database: 'sqlite::memory:', development: true }
  await place.open('auth-server', issuer, await createAuthServer({ ...common, ...options }))
}

beforeAll(async () => {
  ;[app, one, two, calendar, rooms] = (await origins(5)) as Ids
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const path = { upstream: one, middle: calendar, downstream: rooms }
  await Promise.all([
    place.open('agent-server', app, server),
    authServer(one, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }, { name: 'Grace Hopper' }])] }),
      policy: askUsers([
        { agents: 'any', resources: [calendar], scopes: ['read', 'write'] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ]),
    }),
    authServer(two, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada' }])] }),
      exchange: {
        rules: [{ ...path, upstreamScopes: ['read'], scopes: ['rooms.list', 'rooms.book'], decision: 'consent' }],
      },
    }),
    resourceOf(
      {
        id: calendar,
        authServers: [one],
        scopes: { read: 'See your events', write: 'Change your events' },
        downstream: { acceptAuthServer: [two] },
      },
      { '/read': 'read', '/write': 'write', '/list': 'read', '/book': 'read' },
      async (aauth, path) =>
        path === '/list' || path === '/book'
          ? aauth.fetch(`${rooms}${path}`)
          : Response.json({ scope: aauth.scope, user: aauth.user?.sub }),
    ),
    resourceOf(
      {
        id: rooms,
        authServers: [two],
        scopes: { 'rooms.list': 'See rooms', 'rooms.book': 'Book rooms in your name' },
      },
      { '/list': 'rooms.list', '/book': 'rooms.book' },
      async aauth => Response.json({ scope: aauth.scope, user: aauth.user?.sub }),
    ),
  ])
  agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [one],
    identifyTo: [calendar],
    interact: callbackRoute({ redirectUri }),
    development,
  })
})

afterAll(() => place.close())

test(verifies('challenge.union-scope', 'a second scope of a resource asks the user, and is not denied'), async () => {
  const view = agent.forUser('session 1')
  const ada = browserOf(view, `${app}/callback`)
  const read = (): Promise<Response> => view.fetch(`${calendar}/read`)
  const write = (): Promise<Response> => view.fetch(`${calendar}/write`)
  await ada.follow(await urlOf(read()), ['Ada Lovelace', 'Allow'])
  const first = await read()
  expect([first.status, await first.json()]).toEqual([200, { scope: ['read'], user: expect.any(String) }])
  await ada.follow(await urlOf(write()), ['Allow'])
  const second = await write()
  expect([second.status, await second.json()]).toEqual([200, { scope: ['read', 'write'], user: expect.any(String) }])
  expect((await read()).status).toBe(200)
})

test(
  verifies('challenge.union-scope', 'exchange.rule', 'a second scope of the next resource is added, too'),
  async () => {
    const view = agent.forUser('session 2')
    const grace = browserOf(view, `${app}/callback`)
    const call = (path: string): Promise<Response> => view.fetch(`${calendar}${path}`)
    await grace.follow(await urlOf(call('/list')), ['Grace Hopper', 'Allow'])
    await grace.follow(await urlOf(call('/list')), ['Ada', 'Allow', 'Connect', 'Allow'])
    const listed = await call('/list')
    expect([listed.status, await listed.json()]).toEqual([200, { scope: ['rooms.list'], user: expect.any(String) }])
    await grace.follow(await urlOf(call('/book')), ['Allow'])
    const booked = await call('/book')
    expect(booked.status).toBe(200)
    expect(await booked.json()).toMatchObject({ scope: expect.arrayContaining(['rooms.book']) })
    expect((await call('/list')).status).toBe(200)
  },
)
