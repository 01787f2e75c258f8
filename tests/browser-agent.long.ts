import { type AgentServerEvent, createAgentServer, session } from '@countersign/agent-server'
import { createAuthServer, directGrants } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { guardedFetcher } from '@countersign/discovery/node'
import { generateSigningKey, headerValues, memoryReplaySet, type ReceivedMessage } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { createResource } from '@countersign/resource'
import { jsonLog, type Participant, type Running, serve } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium, requireChromium, there, why } from './chromium.fixture.js'
import { root } from './processes.fixture.js'

// A browser agent: a page of the agent server's origin enrols by its user's session, keeps a key that nothing can take
// from it, and calls an API of another origin up to an authorized route.

const source = `
import { createAgent, delegate, explain } from '@countersign/agent'
import { browserFetcher, indexedDbState } from '@countersign/agent/browser'
window.start = ({ agentServer, authServer, resource, name }) => {
  const agent = createAgent({
    identity: delegate({ agentServer, enroll: { type: 'session' } }),
    state: indexedDbState({ name }),
    fetcher: browserFetcher(),
    identifyTo: [resource], acceptAuthServer: [authServer], development: true,
  })
  window.agent = agent
  window.call = async (url, init) => {
    try {
      const response = await agent.fetch(url, init)
      const body = await response.json().catch(() => undefined)
      return { status: response.status, body, ...explain(response) }
    } catch (error) { return { error: error.code ?? String(error), reason: String(error.message) } }
  }
}
`

interface Ids {
  readonly agentServer: string
  readonly authServer: string
  readonly resource: string
  /** Like `resource`, with CORS off. */
  readonly closed: string
}

let ids: Ids
let browser: Browser
const running: Running[] = []
const events: AgentServerEvent[] = []
/** Cookies that reached the API: none may. */
const cookies: string[] = []
const closing: Array<() => Promise<void>> = []

async function run(id: string, participant: Participant): Promise<void> {
  const log = jsonLog({ name: 'test', write: () => undefined })
  const options = { name: 'test', id, development: true, signals: false, announce: () => undefined, log, drain: 0.1 }
  running.push(await serve({ ...options, port: Number(new URL(id).port), participant }))
}

const published = async (kid: string): Promise<PublishedKey> => ({ kid, key: await generateSigningKey() })

/** As if the server had been up for long: what it signed before its start it would refuse. */
function replay() {
  const now = () => Date.now() / 1000
  let first = true
  return memoryReplaySet({
    now: () => {
      const early = first ? 1000 : 0
      first = false
      return now() - early
    },
  })
}

async function startAgentServer(id: string, page: string): Promise<void> {
  const server = await createAgentServer({
    id,
    keys: [await published('k1')],
    database: 'sqlite::memory:',
    enrollment: [
      session({
        authenticate: async message =>
          headerValues(message, 'cookie').some(cookie => cookie.includes('session=anns'))
            ? { user: 'ann', device: 'browser' }
            : undefined,
      }),
    ],
    replay: replay(),
    development: true,
    onEvent: event => void events.push(event),
  })
  closing.push(() => server.close())
  const html = '<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="/app.js"></script>'
  await run(id, {
    async handle(message) {
      if (message.target === '/app.js') return new Response(page, { headers: { 'content-type': 'text/javascript' } })
      if (message.target !== '/') return server.handle(message)
      const headers = { 'content-type': 'text/html', 'set-cookie': 'session=anns; HttpOnly; SameSite=Strict; Path=/' }
      return new Response(html, { headers })
    },
  })
}

async function startResource(id: string, authServer: string, cors: readonly string[] | undefined): Promise<void> {
  const resource = createResource({
    id,
    keys: [await published('r1')],
    authServers: [authServer],
    scopes: { 'events.read': 'See your events' },
    discovery: discovery(),
    replay: replay(),
    development: true,
    ...(cors === undefined ? {} : { cors }),
  })
  const routes = new Map([
    ['/feed', resource.declare({ level: 'pseudonymous' })],
    ['/moved', resource.declare({ level: 'pseudonymous' })],
    ['/agenda', resource.declare({ level: 'identified' })],
    ['/events', resource.declare({ scope: 'events.read' })],
  ])
  const guarded = async (message: ReceivedMessage): Promise<Response> => {
    const requirement = routes.get(message.target)
    if (requirement === undefined) return new Response(null, { status: 404 })
    const authorization = await resource.authorize(message, requirement)
    if (!authorization.ok) return authorization.response
    cookies.push(...headerValues(message, 'cookie'))
    const moved = { status: 307, headers: { location: '/feed' } }
    const response = message.target === '/moved' ? new Response(null, moved) : Response.json(authorization.aauth)
    resource.responseHeaders(response, requirement, message)
    return response
  }
  await run(id, { handle: async message => (await resource.handle(message)) ?? guarded(message) })
}

const discovery = () =>
  createDiscovery({ fetcher: guardedFetcher({ dangerouslyAllowLoopback: true }), development: true })

async function bundled(): Promise<string> {
  const entry = 'virtual:entry'
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root,
    build: { write: false, minify: true, modulePreload: false, rollupOptions: { input: entry } },
    plugins: [
      {
        name: 'entry',
        resolveId: id => (id === entry ? `\0${entry}` : undefined),
        load: id => (id === `\0${entry}` ? source : undefined),
      },
    ],
  })
  const [{ output } = expect.fail('no bundle')] = Array.isArray(result) ? result : 'output' in result ? [result] : []
  return output[0].code
}

beforeAll(async () => {
  if (!there) return
  const [agentServer, authServer, resource, closed] = await Promise.all(
    [1, 2, 3, 4].map(async () => `http://localhost:${await freePort()}`),
  )
  if (!agentServer || !authServer || !resource || !closed) throw new Error('no ports')
  ids = { agentServer, authServer, resource, closed }
  await startAgentServer(agentServer, await bundled())
  const auth = await createAuthServer({
    issuer: authServer,
    keys: [await published('a1')],
    database: 'sqlite::memory:',
    policy: directGrants([{ agent: agentServer, delegates: 'any', resource, scopes: ['events.read'] }]),
    discovery: discovery(),
    replay: replay(),
    development: true,
    cors: [agentServer],
  })
  await run(authServer, auth)
  await startResource(resource, authServer, [agentServer])
  await startResource(closed, authServer, undefined)
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  await Promise.all(running.map(server => server.close()))
  await Promise.all(closing.map(close => close()))
})

requireChromium()

interface Called {
  readonly status?: number
  readonly level?: string
  readonly body?: { readonly level: string; readonly agent?: string; readonly delegate?: string }
  readonly error?: string
  readonly reason?: string
}

async function open(context: BrowserContext, name: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(ids.agentServer)
  await started(page, name)
  return page
}

async function started(page: Page, name: string): Promise<void> {
  await page.waitForFunction('typeof start === "function"')
  await page.evaluate(`start(${JSON.stringify({ ...ids, name })})`)
}

const call = (page: Page, url: string, init: object = {}): Promise<Called> =>
  page.evaluate(`call(${JSON.stringify(url)}, ${JSON.stringify(init)})`)

const enrolled = (): number => events.filter(({ type }) => type === 'enrolled').length

describe.skipIf(!there)(`an agent in a page${why}`, () => {
  test('climbs at another origin to an authorized route, and is the same delegate after a reload', async () => {
    const before = enrolled()
    const context = await browser.newContext()
    const page = await open(context, 'climbs')
    expect(await call(page, `${ids.resource}/feed`)).toMatchObject({ status: 200, body: { level: 'pseudonymous' } })
    expect(enrolled()).toBe(before)
    const identified = await call(page, `${ids.resource}/agenda`)
    expect(identified).toMatchObject({ status: 200, body: { level: 'identified', agent: ids.agentServer } })
    const authorized = await call(page, `${ids.resource}/events`)
    expect(authorized).toMatchObject({ status: 200, body: { level: 'authorized', agent: ids.agentServer } })
    // A browser does not show a page where it was sent.
    expect(await call(page, `${ids.resource}/moved`)).toMatchObject({ status: 0 })
    const posted = await call(page, `${ids.resource}/agenda`, { method: 'POST', body: '{}' })
    expect(posted).toMatchObject({ status: 200 })

    await page.reload()
    await started(page, 'climbs')
    const again = await call(page, `${ids.resource}/events`)
    expect(again).toMatchObject({ status: 200, body: { level: 'authorized' } })
    expect(again.body?.delegate).toBe(identified.body?.delegate)
    expect(enrolled()).toBe(before + 1)
    expect(cookies).toEqual([])
    await context.close()
  })

  test('has a key that no script of the page can take away', async () => {
    const context = await browser.newContext()
    const page = await open(context, 'key')
    expect(await call(page, `${ids.resource}/agenda`)).toMatchObject({ status: 200 })
    const found: unknown = await page.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open('key')
        opening.onsuccess = () => resolve(opening.result)
        opening.onerror = reject
      })
      const all = <T>(store: string): Promise<T[]> =>
        new Promise((resolve, reject) => {
          const reading = database.transaction(store).objectStore(store).getAll()
          reading.onsuccess = () => resolve(reading.result)
          reading.onerror = reject
        })
      const keys = await all<{ privateKey: CryptoKey }>('keys')
      const exported = await Promise.all(
        keys.flatMap(({ privateKey }) =>
          (['jwk', 'pkcs8', 'raw'] as const).map(format =>
            crypto.subtle.exportKey(format, privateKey).then(
              () => 'exported',
              () => 'refused',
            ),
          ),
        ),
      )
      return {
        keys: keys.map(({ privateKey }) => [privateKey.type, privateKey.extractable]),
        exported,
        // No JWK among the values either.
        values: /"d":/.test(JSON.stringify(await all('values'))),
      }
    })
    expect(found).toEqual({
      keys: [['private', false]],
      exported: ['refused', 'refused', 'refused'],
      values: false,
    })
    await context.close()
  })

  test('in two tabs at once enrols once', async () => {
    const before = enrolled()
    const context = await browser.newContext()
    const pages = await Promise.all([open(context, 'tabs'), open(context, 'tabs')])
    const delegates = await Promise.all(pages.map(page => page.evaluate('agent.identify()')))
    expect(delegates[0]).toEqual(delegates[1])
    expect(enrolled()).toBe(before + 1)
    await context.close()
  })

  test('without a session no delegate is enrolled, and without CORS no call succeeds', async () => {
    const before = enrolled()
    const context = await browser.newContext()
    const page = await open(context, 'nobody')
    expect(await call(page, `${ids.closed}/feed`)).toMatchObject({ error: 'network' })
    await context.clearCookies()
    const { status, reason } = await call(page, `${ids.resource}/agenda`)
    expect([status, reason]).toEqual([401, expect.stringContaining('does not take this session')])
    expect(enrolled()).toBe(before)
    await context.close()
  })
})
