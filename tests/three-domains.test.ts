import { type Agent, agentServer, callbackRoute, createAgent, type View } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { type AuthServerEvent, type AuthServerOptions, askUsers } from '@countersign/auth-server'
import type { ScriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import type { ResourceEvent } from '@countersign/resource'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// An app asks a calendar, which asks rooms, which ask doors: three trust domains, each of which asks its user.

const place = domains()
/** What the three auth servers and the three resources told, by their ids. */
const told = new Map<string, Array<AuthServerEvent | ResourceEvent>>()
type Ids = [string, string, string, string, string, string, string]
let [app, one, two, three, calendar, rooms, doors] = ['', '', '', '', '', '', '']
let agent: Agent

function teller(id: string): (event: AuthServerEvent | ResourceEvent) => void {
  const events: Array<AuthServerEvent | ResourceEvent> = []
  told.set(id, events)
  return event => void events.push(event)
}

/** What each auth server asks its users, and lets the next one know of them. */
function domain(names: readonly string[], next: string | undefined, more: Partial<AuthServerOptions>) {
  const signIns = next === undefined ? [] : [{ agents: [next], resources: ['self' as const], scopes: ['openid'] }]
  const agents = more.exchange === undefined ? [{ agents: 'any' as const, resources: [calendar] }] : []
  return {
    desk: userDesk({ login: [demoUsers(names.map(name => ({ name })))] }),
    policy: askUsers([...agents, ...signIns]),
    ...more,
  }
}

beforeAll(async () => {
  ;[app, one, two, three, calendar, rooms, doors] = (await origins(7)) as Ids
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const toRooms = { upstream: one, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  const toDoors = { upstream: two, middle: rooms, downstream: doors, upstreamScopes: ['rooms.book'] }
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(one, { ...domain(['Ada One', 'Grace One'], two, {}), onEvent: teller(one) }),
    place.authServer(two, {
      ...domain(['Ada Two', 'Grace Two'], three, {
        exchange: { rules: [{ ...toRooms, scopes: ['rooms.book'], decision: 'consent' }] },
      }),
      onEvent: teller(two),
    }),
    place.authServer(three, {
      ...domain(['Ada Three', 'Grace Three'], undefined, {
        exchange: { rules: [{ ...toDoors, scopes: ['doors.open'], decision: 'consent' }] },
      }),
      onEvent: teller(three),
    }),
    place.resource(
      {
        id: calendar,
        authServers: [one],
        scopes: { 'events.write': 'Add events' },
        onEvent: teller(calendar),
        downstream: { acceptAuthServer: [two] },
      },
      'events.write',
      async aauth => aauth.fetch(`${rooms}/bookings`),
    ),
    place.resource(
      {
        id: rooms,
        authServers: [two],
        scopes: { 'rooms.book': 'Book rooms' },
        onEvent: teller(rooms),
        downstream: { acceptAuthServer: [three] },
      },
      'rooms.book',
      async aauth => aauth.fetch(`${doors}/open`),
    ),
    // Tells whom it sees.
    place.resource(
      { id: doors, authServers: [three], scopes: { 'doors.open': 'Open doors' }, onEvent: teller(doors) },
      'doors.open',
      async ({ agent, user, issuer, chain }) => Response.json({ agent, issuer, chain, user: user?.sub }),
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

const call = (view: View): Promise<Response> => view.fetch(`${calendar}/bookings`)

interface Seen {
  readonly user: string
  readonly [member: string]: unknown
}

/** The user agrees at each of the three, and connects each two accounts; what doors saw in the end. */
async function agreed(view: View, its: ScriptedUser, name: string): Promise<Seen> {
  const of = (domain: string): string => `${name} ${domain}`
  await its.follow(await urlOf(call(view)), [of('One'), 'Allow'])
  await its.follow(await urlOf(call(view)), [of('Two'), 'Allow', 'Connect', 'Allow'])
  const { headings, url } = await its.follow(await urlOf(call(view)), [of('Three'), 'Allow', 'Connect', 'Allow'])
  expect(headings.slice(2, 4)).toEqual([
    'Are both accounts yours?',
    `${new URL(rooms).host} asks for your access to ${new URL(doors).host}`,
  ])
  expect(url.startsWith(`${app}/callback?`)).toBe(true)
  const response = await call(view)
  expect(response.status).toBe(200)
  return (await response.json()) as Seen
}

/** Events of one type, without the sign-ins by which one domain learns the user of another. */
const ofType = (id: string, type: string) =>
  (told.get(id) ?? []).filter(event => event.type === type && !Object(event).scope?.includes('openid'))

test(
  verifies(
    'exchange.act',
    'exchange.sub',
    'link.asks',
    'consent.remembered',
    'interaction.challenge',
    'token.txn',
    'one call goes through three trust domains, each of which asks its user once, and is one action in all logs',
  ),
  async () => {
    const view = agent.forUser('session 1')
    const ada = browserOf(view, `${app}/callback`)
    const seen = await agreed(view, ada, 'Ada')
    expect(seen).toEqual({
      agent: rooms,
      issuer: three,
      user: expect.any(String),
      chain: [
        { iss: two, agent: calendar },
        { iss: one, agent: app },
      ],
    })
    // No user is asked again, and each domain has its own name for her.
    expect(await (await call(view)).json()).toEqual(seen)
    const [[first], [second]] = [ofType(two, 'linked'), ofType(three, 'linked')]
    expect(second).toMatchObject({ user: seen.user, upstream: { iss: two, sub: Object(first).user } })
    expect(new Set([Object(first).upstream.sub, Object(first).user, seen.user]).size).toBe(3)

    const { txn } = Object(ofType(one, 'granted').find(event => Object(event).resource === calendar))
    expect(txn).toEqual(expect.any(String))
    for (const id of [two, three])
      for (const type of ['requested', 'linked', 'consented', 'granted'])
        expect(ofType(id, type).at(-1), `${type} at ${id}`).toMatchObject({ txn })
    for (const id of [calendar, rooms, doors]) expect(Object(ofType(id, 'passed').at(-1)).aauth).toMatchObject({ txn })
    // The resource in between challenged with a `txn` of its own, which the exchange names.
    for (const [resource, server] of [
      [rooms, two],
      [doors, three],
    ] as const) {
      const names = ofType(server, 'requested').map(event => Object(event).resource_txn)
      expect(ofType(resource, 'resource_token').map(event => Object(event).txn)).toEqual(expect.arrayContaining(names))
      expect(names[0]).toEqual(expect.any(String))
    }
  },
)

test(verifies('link.same-user', 'at the last domain only the user of the domain before can consent'), async () => {
  const view = agent.forUser('session 2')
  const grace = browserOf(view, `${app}/callback`)
  await grace.follow(await urlOf(call(view)), ['Grace One', 'Allow'])
  await grace.follow(await urlOf(call(view)), ['Grace Two', 'Allow', 'Connect', 'Allow'])
  const link = await urlOf(call(view))
  // Ada, another user at the domain before, has an account of her own at the last one.
  const stranger = browserOf(agent.forUser('a stranger'), `${app}/callback`)
  await expect(stranger.follow(link, ['Ada Three', 'Ada Two', 'Allow'])).rejects.toThrow('403')
  const again = agent.forUser('session 3')
  const her = browserOf(again, `${app}/callback`)
  await her.follow(await urlOf(call(again)), ['Grace One'])
  const { url } = await her.follow(await urlOf(call(again)), ['Grace Three', 'Grace Two', 'Allow', 'Connect', 'Allow'])
  expect(url.startsWith(`${app}/callback?`)).toBe(true)
  expect((await call(again)).status).toBe(200)
})
