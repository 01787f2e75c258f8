import { type Agent, AgentError, agentServer, callbackRoute, createAgent, type View } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import {
  type AuthServerEvent,
  type AuthServerOptions,
  askUsers,
  createAuthServer,
  demoUsers,
} from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { type ScriptedUser, scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { createResource, type Guarded, type Resource } from '@countersign/resource'
import { type Participant, serve } from '@countersign/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from './processes.fixture.js'

// An app asks a calendar, which asks rooms, in another trust domain: five servers, and a user who signs in at two of them.

const ends: Array<() => Promise<unknown>> = []
const events: AuthServerEvent[] = []
type Ids = [string, string, string, string, string]
let [app, one, two, calendar, rooms] = ['', '', '', '', '']
let agent: Agent

beforeAll(async () => {
  const ports = await Promise.all([1, 2, 3, 4, 5].map(() => freePort()))
  ;[app, one, two, calendar, rooms] = ports.map(port => `http://localhost:${port}`) as Ids
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const path = { upstream: one, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  await Promise.all([
    open('agent-server', app, server),
    authServer(one, {
      login: [demoUsers([{ name: 'Ada Lovelace' }, { name: 'Grace Hopper' }])],
      // Shorter than some users think.
      authTokenLifetime: 3,
      policy: askUsers([
        { agents: 'any', resources: [calendar] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ]),
    }),
    authServer(two, {
      login: [demoUsers([{ name: 'Ada' }, { name: 'Grace' }])],
      exchange: { rules: [{ ...path, scopes: ['rooms.book'], decision: 'consent' }] },
      onEvent: event => events.push(event),
    }),
    open('calendar', calendar, await calendarApi()),
    open('rooms', rooms, await roomsApi()),
  ])
  agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    ...{ acceptAuthServer: [one], identifyTo: [calendar], interact: callbackRoute({ redirectUri }), development },
  })
})

afterAll(async () => {
  for (const end of ends) await end()
})

async function authServer(issuer: string, options: Partial<AuthServerOptions>): Promise<void> {
  const keys = [{ kid: 'a1', key: await generateSigningKey() }]
  const participant = await createAuthServer({
    issuer,
    keys,
    database: 'sqlite::memory:',
    development: true,
    ...options,
  })
  await open('auth-server', issuer, participant)
}

async function open(name: string, id: string, participant: Participant): Promise<void> {
  const where = { id, port: Number(new URL(id).port), participant, development: true, signals: false }
  const running = await serve({ ...{ name, ...where }, level: 'error', announce: () => undefined })
  ends.push(() => running.close())
}

/** Books through rooms, whatever that takes. */
async function calendarApi(): Promise<Participant> {
  const resource = createResource({
    ...{ id: calendar, keys: [{ kid: 'r1', key: await generateSigningKey() }], authServers: [one], development: true },
    scopes: { 'events.write': 'Add events' },
    downstream: { acceptAuthServer: [two] },
  })
  return behind(resource, 'events.write', async aauth => {
    const booked = await aauth.fetch(`${rooms}/bookings`)
    return Response.json({ booked: await booked.json() }, { status: booked.status })
  })
}

/** Tells whom it sees. */
async function roomsApi(): Promise<Participant> {
  const resource = createResource({
    ...{ id: rooms, keys: [{ kid: 'r1', key: await generateSigningKey() }], authServers: [two], development: true },
    scopes: { 'rooms.book': 'Book rooms in your name' },
  })
  return behind(resource, 'rooms.book', async ({ agent, user, issuer }) =>
    Response.json({ agent, issuer, user: user?.sub }),
  )
}

/** A resource with one handler behind one scope. */
function behind<S extends string>(
  resource: Resource<S>,
  scope: NoInfer<S>,
  handler: (aauth: Guarded) => Promise<Response>,
): Participant {
  const declared = resource.declare({ scope })
  return {
    async handle(message) {
      const published = await resource.handle(message)
      if (published !== undefined) return published
      const authorization = await resource.authorize(message, declared)
      if (!authorization.ok) return authorization.response
      try {
        return await handler(authorization.aauth)
      } catch (error) {
        const answer = await authorization.respond(error)
        if (answer === undefined) throw error
        return answer
      }
    },
    ready: async () => undefined,
    close: async () => undefined,
  }
}

async function urlOf(call: Promise<Response>): Promise<string> {
  const error = await call.then(
    async response => new Error(`answered ${response.status}: ${await response.text()}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  return error.url
}

/** The browser of somebody who uses the app: what comes back to the app is taken there, in their session. */
function browserOf(view: View): ScriptedUser {
  return scriptedUser('', async (input, init) => {
    const url = new URL(String(input))
    if (!url.href.startsWith(`${app}/callback?`)) return fetch(input, init)
    return Response.json(await view.handleCallback(url))
  })
}

test(
  verifies(
    'exchange.sub',
    'link.asks',
    'exchange.rule',
    'consent.remembered',
    'one call of the app goes through two trust domains, and the user is asked about each part once',
  ),
  async () => {
    const view = agent.forUser('session 1')
    const ada = browserOf(view)
    const call = (): Promise<Response> => view.fetch(`${calendar}/bookings`)
    await ada.follow(await urlOf(call()), ['Ada Lovelace', 'Allow'])
    // The calendar needs the user now: over its own page to the other domain, from there to the first one and back.
    const { headings, url } = await ada.follow(await urlOf(call()), ['Ada', 'Allow', 'Connect', 'Allow'])
    expect(headings.slice(2, 4)).toEqual([
      'Are both accounts yours?',
      `${calendar.slice('http://'.length)} asks for your access to ${rooms.slice('http://'.length)}`,
    ])
    expect(url.startsWith(`${app}/callback?`)).toBe(true)
    const response = await call()
    expect(response.status).toBe(200)
    const { booked } = (await response.json()) as { booked: Record<string, string> }
    expect(booked).toEqual({ agent: calendar, issuer: two, user: expect.any(String) })
    expect(await (await call()).json()).toEqual({ booked })
    const [linked, granted] = events.filter(({ type }) => type === 'linked' || type === 'granted')
    expect(linked).toMatchObject({ type: 'linked', user: booked['user'] })
    expect(granted).toMatchObject({
      by: 'exchange',
      agent: calendar,
      exchange: { issuer: one, chain: [{ iss: one, agent: app }] },
    })
  },
)

test(verifies('consent.remembered', 'a user who thinks for longer than a token lives is not asked twice'), async () => {
  const view = agent.forUser('session 2')
  const grace = browserOf(view)
  const call = (): Promise<Response> => view.fetch(`${calendar}/bookings`)
  await grace.follow(await urlOf(call()), ['Grace Hopper', 'Allow'])
  const asked = await grace.follow(await urlOf(call()), ['Grace', 'Allow', 'Connect'])
  const before = events.length
  await new Promise(resolve => setTimeout(resolve, 3500))
  const { url } = await grace.follow(asked.url, ['Allow'])
  expect(url.startsWith(`${app}/callback?`)).toBe(true)
  const response = await call()
  expect([response.status, await response.json()]).toEqual([
    200,
    { booked: { agent: calendar, issuer: two, user: expect.any(String) } },
  ])
  // The code came too late for its token; what she allowed was kept for the next one.
  expect(events.slice(before).map(({ type }) => type)).toEqual(['consented', 'refused', 'granted'])
})
