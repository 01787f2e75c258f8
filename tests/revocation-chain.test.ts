import { type Agent, agentServer, callbackRoute, createAgent, type View } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey, type ReceivedMessage } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { createResource, type ResourceEvent } from '@countersign/resource'
import { signedMessage } from '@countersign/testing/world/signed-message'
import { asAgent } from '@countersign/testing/world/signer'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { makeWeb, publishAgent } from '@countersign/testing/world/web'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// An app asks a calendar, which asks rooms of another trust domain; the user takes back the app's access at her own auth server.

const place = domains()
const events: ResourceEvent[] = []
let [app, one, two, calendar, rooms] = ['', '', '', '', '']
let agent: Agent
/** Calls of the calendar that wait before they go on to rooms. */
const waiting: Array<() => void> = []
let holds = false
let booked = 0

beforeAll(async () => {
  ;[app, one, two, calendar, rooms] = (await origins(5)) as [string, string, string, string, string]
  const redirectUri = `${app}/callback`
  const development = true
  const server = await createAgentServer({ id: app, redirectUris: [redirectUri], development })
  const path = { upstream: one, middle: calendar, downstream: rooms, upstreamScopes: ['events.write'] }
  await Promise.all([
    place.open('agent-server', app, server),
    place.authServer(one, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ada Lovelace' }])] }),
      policy: askUsers([{ agents: 'any', resources: [calendar] }]),
    }),
    place.authServer(two, { exchange: { rules: [{ ...path, scopes: ['rooms.read'], decision: 'direct' }] } }),
    place.resource(
      {
        id: calendar,
        authServers: [one],
        scopes: { 'events.write': 'Add events' },
        downstream: { acceptAuthServer: [two] },
        onEvent: event => events.push(event),
      },
      'events.write',
      async aauth => {
        if (holds) await new Promise<void>(resolve => waiting.push(resolve))
        const answer = await aauth.fetch(`${rooms}/rooms`)
        return Response.json(await answer.json(), { status: answer.status })
      },
    ),
    place.resource({ id: rooms, authServers: [two], scopes: { 'rooms.read': 'See rooms' } }, 'rooms.read', async () => {
      booked += 1
      return Response.json({ rooms: 1 })
    }),
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
    'REV-18',
    'revocation.middle',
    'a call under way in the middle goes on with nothing of a grant that its user has taken back',
  ),
  async () => {
    const view: View = agent.forUser('ada')
    const call = (): Promise<Response> => view.fetch(`${calendar}/events`, { method: 'POST' })
    const ada = browserOf(view, `${app}/callback`)
    await ada.follow(await urlOf(call()), ['Ada Lovelace', 'Allow'])
    expect((await call()).status).toBe(200)
    expect(booked).toBe(1)

    holds = true
    const running = urlOf(call())
    await expect.poll(() => waiting.length).toBe(1)
    const user = scriptedUser('Ada Lovelace')
    const before = Date.now()
    const page = await user.account(one, 'Take everything back from all agents')
    expect(page.done).toContain('Taken back')
    await expect.poll(() => events.filter(({ type }) => type === 'revoked').length, { timeout: 1000 }).toBe(1)
    expect(Date.now() - before).toBeLessThan(1500)
    holds = false
    for (const goOn of waiting.splice(0)) goOn()
    // It asks her anew, at her own auth server.
    expect(await running).toMatch(new RegExp(`^${one}/`))
    expect(booked, 'nothing reached rooms').toBe(1)
    await expect.poll(async () => (await user.account(one)).notices).toEqual([expect.stringMatching(/Stopped at/)])
  },
)

test(verifies('REV-25', 'an auth server and a resource at one origin revoke at two endpoints'), async () => {
  const id = 'https://both.example'
  const key = { kid: 'k1', key: await generateSigningKey() }
  const web = makeWeb()
  publishAgent(web, id, [key])
  const common = { keys: [key], discovery: createDiscovery({ fetcher: web.fetcher }), replay: startedReplaySet() }
  const auth = await createAuthServer({ ...common, issuer: id, database: 'sqlite::memory:' })
  const resource = createResource({ ...common, id, authServers: [id], scopes: { read: 'Read' } })
  const answer = async (message: ReceivedMessage) => {
    const own = await resource.handle(message)
    return own === undefined || own.status === 404 ? auth.handle(message) : own
  }
  const metadata = async (name: string): Promise<string> => {
    const document = await answer({
      method: 'GET',
      target: `/.well-known/${name}`,
      headers: [['host', 'both.example']],
    })
    const { revocation_endpoint } = (await document.json()) as { readonly revocation_endpoint?: string }
    return revocation_endpoint ?? ''
  }
  const [ofAuth, ofResource] = [await metadata('aauth-issuer'), await metadata('aauth-resource')]
  expect(ofAuth).not.toBe(ofResource)
  const post = async (url: string, body: string) => {
    const { origin, pathname: target } = new URL(url)
    const contentType = 'application/x-www-form-urlencoded'
    return answer(
      await signedMessage({ as: asAgent({ id, ...key }), origin, target, method: 'POST', body, contentType }),
    )
  }
  const exp = Math.ceil(Date.now() / 1000) + 60
  for (const [url, body] of [
    [ofAuth, `grant=g1&exp=${exp}`],
    [ofResource, 'token=abc'],
  ] as const) {
    const refused = await post(url, body)
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_request' }])
  }
  expect((await post(ofAuth, 'token=abc')).status).toBe(200)
  expect((await post(ofResource, `grant=g1&exp=${exp}`)).status).toBe(204)
  await auth.close()
})
