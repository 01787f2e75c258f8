import { createServer, type RequestListener, type Server } from 'node:http'
import { generateSigningKey } from '@countersign/httpsig'
import { callerOf, guardMcp, type McpParticipant } from '@countersign/mcp'
import { createResource } from '@countersign/resource'
import { mountHono, mountNode } from '@countersign/server'
import { freePort } from '@countersign/testing/ports'
import { startedReplaySet } from '@countersign/testing/world/started-replay-set'
import { getRequestListener } from '@hono/node-server'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createMcpExpressApp } from '@modelcontextprotocol/express'
import { createMcpHonoApp } from '@modelcontextprotocol/hono'
import { McpServer } from '@modelcontextprotocol/server'
import express from 'express'
import { Hono } from 'hono'
import { afterEach, describe, expect, test } from 'vitest'
import { siteAgent } from './site-agent.fixture.js'

// A guarded server in the apps that the MCP SDK makes: these read bodies themselves, so the guard stands in front of them.

const running: Server[] = []
afterEach(async () => {
  for (const server of running.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

/** How a guarded server and an app of the SDK share an origin. */
type Composed = (guarded: McpParticipant) => RequestListener

/** Guarded tools at `/mcp`, and whatever else the app has. */
async function served(composed: Composed): Promise<string> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const keys = [{ kid: 'r1', key: await generateSigningKey() }]
  const settings = { id, keys, authServers: [], scopes: {}, replay: startedReplaySet(), development: true }
  const guarded = guardMcp(
    () => {
      const server = new McpServer({ name: 'tools', version: '1' })
      server.registerTool('whoami', {}, context => ({ content: [{ type: 'text', text: callerOf(context).level }] }))
      return server
    },
    createResource(settings),
    { tools: { '*': { level: 'identified' } } },
  )
  const server = createServer(composed(guarded))
  running.push(server)
  await new Promise<void>(resolve => server.listen(port, 'localhost', resolve))
  return id
}

async function whoami(id: string): Promise<unknown> {
  const agent = await siteAgent()
  const client = new Client({ name: 'any', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
  await client.connect(new StreamableHTTPClientTransport(new URL(`${id}/mcp`), { fetch: agent.fetch }))
  const { content } = await client.callTool({ name: 'whoami' })
  await client.close()
  return content
}

/** An answer of the app behind the guard. */
async function echoed(id: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${id}/echo`, { method: 'POST', headers, body: '{"said":"hello"}' })
  return response.json()
}

const inExpress: Composed = guarded => {
  const app = createMcpExpressApp({ host: 'localhost' })
  app.post('/echo', (request, response) => void response.json(request.body))
  const all = express()
  all.use(mountNode(guarded))
  all.use(app)
  return all as unknown as RequestListener
}

const inHono: Composed = guarded => {
  const app = createMcpHonoApp({ host: 'localhost' })
  app.post('/echo', async context => context.json(await context.req.json()))
  const all = new Hono()
  all.use(mountHono(guarded))
  all.route('/', app)
  return getRequestListener(all.fetch)
}

describe.each([
  ['@modelcontextprotocol/express', inExpress],
  ['@modelcontextprotocol/hono', inHono],
] as const)('in front of an app of %s', (_, composed) => {
  test('the guard serves its tools, and the app everything else', async () => {
    const id = await served(composed)
    expect(await whoami(id)).toEqual([{ type: 'text', text: 'identified' }])
    expect(await echoed(id)).toEqual({ said: 'hello' })
    const unsigned = await fetch(`${id}/mcp`, { method: 'POST', body: '{}' })
    expect(unsigned.status).toBe(415)
  })
})

describe('within such an app, whose parser has read the body', () => {
  const told: unknown[] = []
  test.each([
    [
      '@modelcontextprotocol/express',
      (guarded => {
        const app = createMcpExpressApp({ host: 'localhost' })
        app.use(mountNode(guarded))
        app.use((error: unknown, _: unknown, response: express.Response, _next: unknown) => {
          told.push(error)
          response.status(500).end()
        })
        return app as unknown as RequestListener
      }) as Composed,
    ],
    [
      '@modelcontextprotocol/hono',
      (guarded => {
        const app = createMcpHonoApp({ host: 'localhost' })
        app.use(mountHono(guarded))
        app.onError((error, context) => {
          told.push(error)
          return context.body(null, 500)
        })
        return getRequestListener(app.fetch)
      }) as Composed,
    ],
  ])('%s is told where the guard belongs, and nothing passes', async (_, composed) => {
    told.length = 0
    const id = await served(composed)
    await expect(whoami(id)).rejects.toThrow()
    expect(String(told[0])).toContain('put the guard before what reads bodies')
  })
})
