import { createServer } from 'node:http'
import { callbackRoute, createAgent, delegate, explain, type View } from '@countersign/agent'
import { browserFetcher, indexedDbState } from '@countersign/agent/browser'
import { createAgentServer, session } from '@countersign/agent-server'
import { askUsers } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { scriptedUser } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { createResource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/node'
import { demoUsers, userDesk } from '@countersign/user-desk'
import { IDBFactory } from 'fake-indexeddb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { browserOf, domains, origins, urlOf } from './domains.fixture.js'

// An agent that lives in a page: its key and its tokens are in IndexedDB, and its user takes access back at her auth server.

const place = domains()
const ends: Array<() => unknown> = []
let [site, auth, calendar] = ['', '', '']
const indexedDB = new IDBFactory()

beforeAll(async () => {
  ;[site, auth, calendar] = (await origins(3)) as [string, string, string]
  const development = true
  await Promise.all([
    place.open(
      'agent-server',
      site,
      await createAgentServer({
        id: site,
        redirectUris: [`${site}/callback`],
        database: 'sqlite::memory:',
        development,
        enrollment: [session({ authenticate: async () => ({ user: 'ann', device: 'browser' }) })],
      }),
    ),
    place.authServer(auth, {
      desk: userDesk({ login: [demoUsers([{ name: 'Ann' }])] }),
      policy: askUsers([{ agents: [site], resources: [calendar] }]),
      cors: [site],
    }),
    serveCalendar(),
  ])
})

afterAll(async () => {
  for (const end of ends) await end()
  await place.close()
})

/** Events as a list, and as a stream that does not end. */
async function serveCalendar(): Promise<void> {
  const resource = createResource({
    id: calendar,
    keys: [{ kid: 'r1', key: await generateSigningKey() }],
    authServers: [auth],
    cors: [site],
    scopes: { 'events.read': 'See your events' },
    development: true,
  })
  const answerOwn = wellKnown(resource)
  const answerEvents = guard(resource, { scope: 'events.read' }, (request, response) => {
    if (request.url !== '/stream') return response.end('[]')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    return response.write('data: one\n\n')
  })
  const server = createServer(async (request, response) => {
    if (!(await answerOwn(request, response))) await answerEvents(request, response)
  })
  await new Promise<void>(resolve => server.listen(Number(new URL(calendar).port), 'localhost', resolve))
  ends.push(
    () => server.close(),
    () => server.closeAllConnections(),
  )
}

/** Says, as browsers do, of which site the page is. */
const fetchOfPage: typeof fetch = (input, init) => {
  const request = new Request(input, init)
  request.headers.set('origin', site)
  return fetch(request)
}

/** The page, loaded: what it keeps is in IndexedDB alone. */
function page(): View {
  return createAgent({
    identity: delegate({ agentServer: site, enroll: { type: 'session' } }),
    state: indexedDbState({ indexedDB }),
    fetcher: browserFetcher(),
    fetch: fetchOfPage,
    development: true,
    identifyTo: [calendar],
    acceptAuthServer: [auth],
    interact: callbackRoute({ redirectUri: `${site}/callback` }),
  }).forUser('ann')
}

const read = (view: View): Promise<Response> => view.fetch(`${calendar}/events`)

test(
  verifies(
    'REV-01',
    'REV-09',
    'revocation.streams',
    'an agent in a page whose access is taken back: its stream ends, and its next call asks its user anew',
  ),
  async () => {
    const first = page()
    await browserOf(first, `${site}/callback`).follow(await urlOf(read(first)), ['Ann', 'Allow'])
    expect((await read(first)).status).toBe(200)
    const stream = (await first.fetch(`${calendar}/stream`)).body?.getReader()
    expect(new TextDecoder().decode((await stream?.read())?.value)).toBe('data: one\n\n')

    const ann = scriptedUser('Ann')
    const began = performance.now()
    expect(await ann.account(auth, 'Take everything back from all agents')).toMatchObject({ agents: [] })
    await expect(stream?.read()).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(1500)

    const link = await urlOf(read(first))
    expect(link).toMatch(new RegExp(`^${auth}/`))
    // A page that is loaded again knows no more than that.
    const again = page()
    const asked = await urlOf(read(again))
    await browserOf(again, `${site}/callback`).follow(asked, ['Ann', 'Allow'])
    const response = await read(again)
    expect([response.status, explain(response).level]).toEqual([200, 'authorized'])
  },
)

test(verifies('REV-01', 'an agent in a page that cannot ask its user says why its call is refused'), async () => {
  const silent = createAgent({
    identity: delegate({ agentServer: site, enroll: { type: 'session' } }),
    state: indexedDbState({ indexedDB }),
    fetcher: browserFetcher(),
    fetch: fetchOfPage,
    development: true,
    identifyTo: [calendar],
    acceptAuthServer: [auth],
  }).forUser('ann')
  expect((await silent.fetch(`${calendar}/events`)).status, 'the grant of the page').toBe(200)
  await scriptedUser('Ann').account(auth, 'Take everything back from all agents')
  await expect
    .poll(async () => {
      const refused = await silent.fetch(`${calendar}/events`)
      return [refused.status, explain(refused).reason]
    })
    .toEqual([401, expect.stringMatching(/user/)])
})
