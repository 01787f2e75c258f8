import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AgentServer, createAgentServer } from '@countersign/agent-server'
import { generateSigningKey, memoryReplaySet, signRequest } from '@countersign/httpsig'
import { mountFetch, mountHono, mountNode } from '@countersign/server'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'

// One agent server in three kinds of site. It answers its own paths, exactly as they came; the site answers all others.

const id = 'https://agent.example'
let server: AgentServer
const ends: Array<() => void> = []
beforeAll(async () => {
  // Up for long: a set that just began refuses what may have been signed before it.
  const started = [Date.now() / 1000 - 1000]
  const replay = memoryReplaySet({ now: () => started.pop() ?? Date.now() / 1000 })
  server = await createAgentServer({ id, database: 'sqlite::memory:', replay })
})
afterAll(async () => {
  for (const end of ends) end()
  await server.close()
})

const page = (): Response => new Response('the site')

function honoSite(): Hono {
  const app = new Hono()
  app.use(mountHono(server))
  app.get('*', page)
  app.post('/comments', async c => c.text(await c.req.text()))
  return app
}

/** A site by its way to answer `fetch`, at whatever address. */
const sites: Record<string, () => Promise<(path: string, init: RequestInit) => Promise<Response>>> = {
  async 'node:http'() {
    const mounted = mountNode(server)
    const site = createServer(async (request, response) => {
      if (await mounted(request, response)) return
      if (request.method === 'POST') request.pipe(response)
      else response.end('the site')
    })
    await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
    ends.push(
      () => void site.close(),
      () => site.closeAllConnections(),
    )
    return (path, init) => fetch(`http://127.0.0.1:${(site.address() as AddressInfo).port}${path}`, init)
  },
  async 'Hono on Node'() {
    const { port, end } = await new Promise<{ port: number; end: () => void }>(resolve => {
      const site = serve({ fetch: honoSite().fetch, port: 0, hostname: '127.0.0.1' }, info =>
        resolve({ port: info.port, end: () => void site.close() }),
      )
    })
    ends.push(end)
    return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init)
  },
  async 'Hono elsewhere'() {
    const app = honoSite()
    return async (path, init) => app.fetch(new Request(`${id}${path}`, init))
  },
  async 'a Fetch handler'() {
    const mounted = mountFetch(server)
    const site = async (request: Request): Promise<Response> =>
      (await mounted(request)) ?? (request.method === 'POST' ? new Response(request.body) : page())
    return (path, init) => site(new Request(`${id}${path}`, init))
  },
}

test.each(Object.keys(sites))('an agent server mounted into %s', async name => {
  const visit = await sites[name]?.()
  if (visit === undefined) throw new Error('no such site')
  const metadata = await visit('/.well-known/aauth-agent', {})
  expect(await metadata.json()).toMatchObject({ agent: id, delegate_token_endpoint: `${id}/delegate/token` })
  expect(((await (await visit('/.well-known/jwks.json', {})).json()) as { keys: unknown[] }).keys).toHaveLength(1)

  const { code, sub } = await server.invite()
  const key = await generateSigningKey()
  const body = new TextEncoder().encode(JSON.stringify({ enrollment: { type: 'code', code } }))
  const headers: Array<readonly [string, string]> = [['content-type', 'application/json']]
  const signatureKey = { scheme: 'hwk', jwk: key.publicJwk } as const
  const added = await signRequest({ method: 'POST', url: `${id}/delegate/token`, headers, body, key, signatureKey })
  const signed = { method: 'POST', headers: Object.fromEntries([...headers, ...added]), body }
  const enrolled = await visit('/delegate/token', signed)
  expect(await enrolled.json()).toEqual({ agent_token: expect.any(String), expires_in: 3600 })
  expect(enrolled.headers.get('cache-control')).toBe('no-store')
  expect((await server.list({ limit: 1000 })).map(delegate => delegate.sub)).toContain(sub)
  expect((await visit('/delegate/token', {})).status).toBe(405)

  for (const path of ['/', '/delegate/token/', '/.well-known/aauth-resource', '/delegate'])
    expect(await (await visit(path, {})).text(), path).toBe('the site')
  expect(await (await visit('/comments', { method: 'POST', body: 'hello' })).text()).toBe('hello')
})
