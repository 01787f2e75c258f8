import { type Agent, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { type AuthServerEvent, askUsers } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// An app asks a calendar, which asks rooms, in another trust domain: five servers, and a user who signs in at two of them.

const place = domains()
const events: AuthServerEvent[] = []
type Ids = [string, string, string, string, string]
let [app, one, two, calendar, rooms] = ['', '', '', '', '']
let agent: Agent

beforeAll(async () => {
  ;[app, one, two, calendar, rooms] = (await origins(5)) as Ids
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const path = { upstream: one, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(one, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }, { name: 'Grace Hopper' }])] }),
      // Shorter than some users think.
      authTokenLifetime: 3,
      policy: askUsers([
        { agents: 'any', resources: [calendar] },
        { agents: [two], resources: ['self'], scopes: ['openid'] },
      ]),
    }),
    place.authServer(two, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada' }, { name: 'Grace' }])] }),
      exchange: { rules: [{ ...path, scopes: ['rooms.book'], decision: 'consent' }] },
      onEvent: event => events.push(event),
    }),
    // Books through rooms, whatever that takes.
    place.resource(
      {
        id: calendar,
        authServers: [one],
        scopes: { 'events.write': 'Add events' },
        downstream: { acceptAuthServer: [two] },
      },
      'events.write',
      async aauth => {
        const booked = await aauth.fetch(`${rooms}/bookings`)
        return Response.json({ booked: await booked.json() }, { status: booked.status })
      },
    ),
    // Tells whom it sees.
    place.resource(
      { id: rooms, authServers: [two], scopes: { 'rooms.book': 'Book rooms in your name' } },
      'rooms.book',
      async ({ agent, user, issuer }) => Response.json({ agent, issuer, user: user?.sub }),
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
    const ada = browserOf(view, `${app}/callback`)
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
  const grace = browserOf(view, `${app}/callback`)
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
