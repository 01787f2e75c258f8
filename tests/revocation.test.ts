import { type Agent, agentServer, createAgent, memoryState } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { type AuthServerEvent, directGrants } from '@countersign/auth-server'
import { signRequest } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import type { ResourceEvent } from '@countersign/resource'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { domains, origins } from './domains.fixture.js'

// A grant ends at its auth server, and running resources refuse its tokens: the one it is for, and the one behind that.

const place = domains()
const events: Array<AuthServerEvent | ResourceEvent> = []
const refreshTokens = new Set<string>()
let [app, auth, calendar, rooms] = ['', '', '', '']
let agent: Agent
let signingKey: PublishedKey
/** What the calendar has of rooms, kept as a thief of its memory would. */
let stolen: Request | undefined

beforeAll(async () => {
  ;[app, auth, calendar, rooms] = (await origins(4)) as [string, string, string, string]
  const development = true
  const onEvent = (event: AuthServerEvent | ResourceEvent): void => void events.push(event)
  const server = await createAgentServer({ id: app, development })
  signingKey = await server.signingKey()
  const rule = { upstream: auth, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(auth, {
      policy: directGrants([{ agent: app, resource: calendar, scopes: ['events.write'] }]),
      exchange: { rules: [{ ...rule, scopes: ['rooms.book'], decision: 'direct' }] },
      onEvent,
    }),
    place.resource(
      {
        id: calendar,
        authServers: [auth],
        scopes: { 'events.write': 'Add events' },
        onEvent,
        downstream: {
          acceptAuthServer: [auth],
          fetch(input, init) {
            const request = new Request(input, init)
            if (request.url.startsWith(rooms) && request.headers.has('signature')) stolen = request.clone()
            return fetch(request)
          },
        },
      },
      'events.write',
      async aauth => aauth.fetch(`${rooms}/bookings`),
    ),
    place.resource(
      { id: rooms, authServers: [auth], scopes: { 'rooms.book': 'Book rooms' }, onEvent },
      'rooms.book',
      async ({ agent: by }) => Response.json({ by }),
    ),
  ])
  const state = memoryState()
  agent = createAgent({
    identity: agentServer({ id: app, key: server.signingKey }),
    acceptAuthServer: [auth],
    identifyTo: [calendar, auth],
    development,
    state: {
      ...state,
      async write(key, value) {
        for (const [, token = ''] of JSON.stringify(value).matchAll(/"refresh_?[tT]oken":"([^"]+)"/g))
          refreshTokens.add(token)
        await state.write(key, value)
      },
    },
  })
})

afterAll(() => place.close())

/** Gives a refresh token back, as the agent server itself. */
async function giveBack(token: string): Promise<Response> {
  const url = `${auth}/agent/revoke`
  const body = new TextEncoder().encode(new URLSearchParams({ token }).toString())
  const plain: Array<[string, string]> = [['content-type', 'application/x-www-form-urlencoded']]
  const { kid, key } = signingKey
  const signatureKey = { scheme: 'jwks_uri', id: app, kid, dwk: 'aauth-agent' } as const
  const signature = await signRequest({ method: 'POST', url, headers: plain, body, key, signatureKey })
  const headers = [...plain, ...signature].map(([name, value]): [string, string] => [name, value])
  return fetch(url, { method: 'POST', headers, body })
}

const ofType = (type: string) => events.filter(event => event.type === type)

test(
  verifies(
    'REV-01',
    'revocation.refused',
    'revocation.middle',
    'revocation.delivered',
    'within a second of its end a grant opens nothing more, at its resource and behind it',
  ),
  async () => {
    const first = await agent.fetch(`${calendar}/bookings`)
    expect([first.status, await first.json()]).toEqual([200, { by: calendar }])
    const replayed = stolen?.clone()
    expect(replayed).toBeDefined()

    const [token = ''] = refreshTokens
    const began = performance.now()
    expect((await giveBack(token)).status).toBe(200)
    await expect.poll(() => ofType('revoked').filter(event => 'issuer' in event).length, { timeout: 2000 }).toBe(2)
    expect(performance.now() - began).toBeLessThan(1000)
    const told = { outcome: 'told', status: 204 }
    await expect.poll(() => ofType('notice')).toMatchObject([told, told])
    expect(new Set(ofType('revoked').map(event => ('resource' in event ? event.resource : '')))).toEqual(
      new Set([calendar, rooms]),
    )

    // The agent's token is refused; it gets a new grant, which works again at both.
    const refusals = ofType('refused').length
    const again = await agent.fetch(`${calendar}/bookings`)
    expect([again.status, await again.json()]).toEqual([200, { by: calendar }])
    expect(ofType('refused').slice(refusals)).toContainEqual(
      expect.objectContaining({
        resource: calendar,
        error: expect.objectContaining({ code: 'invalid_auth_token', reason: 'grant_ended' }),
      }),
    )
  },
)
