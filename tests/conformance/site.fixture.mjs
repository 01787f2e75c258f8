// A guarded API in a process of its own, for the conformance suite to judge:
//   node site.fixture.mjs ADAPTER PORT AUTH-SERVER [DOWNSTREAM [OAUTH-SERVER [OTHER-AUTHORITY [CORS-ORIGIN]]]]
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { generateSigningKey } from '@countersign/httpsig'
import * as stateless from '@countersign/mcp'
import { callerOf, guardMcp } from '@countersign/mcp-sdk1'
import { bearer, createResource, display } from '@countersign/resource'
import * as express from '@countersign/resource/express'
import * as fastify from '@countersign/resource/fastify'
import * as fetching from '@countersign/resource/fetch'
import * as hono from '@countersign/resource/hono'
import * as node from '@countersign/resource/node'
import { oauthApi, oauthTokens } from '@countersign/resource/oauth'
import { mountNode } from '@countersign/server'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { statelessRules, statelessTools } from './stateless-tools.fixture.mjs'

const [, , adapter, port, authServer, downstream, oauthServer, otherAuthority, corsOrigin] = process.argv
const id = `http://localhost:${port}`
const scopes = { 'events.read': 'See your events', 'events.write': 'Change your events' }
/** An API behind OAuth, where the suite plays one. */
const files =
  oauthServer === undefined
    ? undefined
    : oauthApi({
        id: 'files',
        issuer: oauthServer,
        clientId: 'site',
        scope: 'read',
        origins: [oauthServer],
        dangerouslyAllowLoopbackHttp: true,
      })
const oauth = files && {
  apis: [files],
  tokens: await oauthTokens({ database: 'sqlite::memory:', encryptionKeys: [new Uint8Array(32).fill(1)] }),
}
const resource = createResource({
  id,
  development: true,
  keys: [{ kid: 'site', key: await generateSigningKey() }],
  authServers: [authServer],
  scopes,
  ...(corsOrigin === undefined ? {} : { cors: [corsOrigin] }),
  downstream: { acceptAuthServer: [authServer], ...(oauth && { oauth }) },
  purposes: { support: 'Help users', billing: 'Send bills' },
  operations: { invite: 'Invite guests', pay: 'Pay', cancel: 'Cancel all events' },
  ...(otherAuthority === undefined ? {} : { authorities: [`localhost:${port}`, otherAuthority] }),
})

const needs = {
  'GET /public': { level: 'anonymous' },
  'GET /feed': { level: 'pseudonymous' },
  'POST /notes': { level: 'pseudonymous' },
  'GET /agenda': { level: 'identified' },
  'POST /agenda': { level: 'identified' },
  'GET /events': { scope: 'events.read' },
  'POST /events': { scope: 'events.write' },
  'GET /public-limited': { level: 'anonymous', limits: { anonymous: '6/min' } },
  'GET /feed-limited': { level: 'pseudonymous', limits: { pseudonymous: '6/min' } },
  'GET /agenda-limited': { level: 'identified', limits: { identified: '6/min' } },
  'POST /agenda-limited': { level: 'identified', limits: { identified: '6/min' } },
  'GET /events-limited': { scope: 'events.read', limits: { authorized: '6/min' } },
  'GET /signed-more': { level: 'pseudonymous', components: ['accept-language'] },
  'POST /uploads': { level: 'pseudonymous', body: 'stream' },
  'GET /closed': { level: 'identified', policy: () => false },
  'POST /failing': { level: 'pseudonymous' },
  'GET /items': { scope: 'events.read' },
  'GET /lost': { scope: 'events.read' },
  'GET /motto': { scope: 'events.read' },
  'POST /invitations': { scope: 'events.write', operation: 'invite' },
  'GET /hop': { scope: 'events.read' },
  'GET /files': { scope: 'events.read' },
  'GET /mine': { scope: 'email' },
  'GET /ticks': { scope: 'events.read' },
  'GET /shared': { level: 'identified', alsoAccept: [bearer(async () => undefined)] },
  'POST /payments': {
    scope: 'events.write',
    operation: 'pay',
    approve: true,
    describe: request => {
      const { amount, to } = request.json()
      return display`Pay ${amount} to ${to}`
    },
  },
  'POST /transfers': {
    scope: 'events.write',
    operation: 'pay',
    approve: true,
    describe: request => display`Pay ${request.parameter('to')}`,
  },
  'POST /cancellations': { scope: 'events.write', operation: 'cancel', approve: true },
}
const routes = Object.entries(needs).map(([route, need]) => ({
  method: route.split(' ')[0],
  path: route.split(' ')[1],
  need,
}))
const items = {
  items: [
    { id: 1, title: 'a' },
    { id: 2, title: 'b' },
  ],
  next: null,
  total: 1.5,
}
const unprocessed = { 'agent-auth': 'httpsig', 'retry-after': '1' }
/** The status that a handler answers: that of /hop calls another resource for its caller, that of /files an API behind OAuth. */
async function statusAt(path, aauth) {
  if (path === '/hop') return (await aauth.fetch(`${downstream}/`)).status
  if (path === '/files') return (await aauth.oauth(files, `${oauthServer}/`)).status
  if (path === '/lost') return 404
  return path === '/failing' ? 503 : 200
}
const toldOf = { etag: '"x"', 'x-total': '2', link: '</items?page=2>; rel="next"' }
const bodies = { '/items': items, '/lost': { error: 'not_found', hint: 'it was moved to /archive' } }
const headersAt = { '/failing': unprocessed, '/items': toldOf, '/lost': toldOf }
const answerAt = async (path, aauth) => ({
  status: await statusAt(path, aauth),
  headers: headersAt[path] ?? {},
  body: bodies[path] ?? { done: true },
})
const motto = 'Tea first'

const text = said => ({ content: [{ type: 'text', text: said }] })

/** Tools and resources of an MCP server, each with a rule of its own. */
function tools() {
  const server = new McpServer({ name: 'site', version: '1.0.0' }, { capabilities: { logging: {} } })
  for (const name of ['list', 'add']) server.registerTool(name, { description: name }, async () => text('done'))
  server.registerTool('wait', { description: 'Answers late' }, async extra => {
    await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'begun' } })
    await new Promise(resolve => setTimeout(resolve, 4500))
    return text('done')
  })
  server.registerTool('show', { description: 'Shows what it sees' }, async ({ authInfo, requestInfo }) =>
    text(JSON.stringify({ authInfo, requestInfo })),
  )
  server.registerTool('hop', { description: 'Calls another resource' }, async extra =>
    text(String((await callerOf(extra).fetch(`${downstream}/`)).status)),
  )
  for (const name of ['greeting', 'farewell'])
    server.registerPrompt(name, { description: name }, async () => ({
      messages: [{ role: 'user', content: { type: 'text', text: name } }],
    }))
  for (const uri of ['note://open/one', 'note://closed/two'])
    server.registerResource(uri, uri, {}, async ({ href }) => ({ contents: [{ uri: href, text: href }] }))
  return server
}

const mcpRules = {
  tools: {
    list: { level: 'identified' },
    add: { scope: 'events.write' },
    wait: { scope: 'events.read' },
    show: { scope: 'events.read' },
    hop: { scope: 'events.read' },
  },
  prompts: { '*': { level: 'identified' }, farewell: { scope: 'events.read' } },
  resources: { '*': { level: 'identified' }, 'note://closed/*': { scope: 'events.read' } },
}

/** Begins a stream or a socket, and leaves it open. */
function lastingAnswer({ headers }, response) {
  const key = headers['sec-websocket-key']
  if (key === undefined)
    return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const upgraded = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-accept': accept }
  response.writeHead(101, upgraded).flushHeaders()
}

/** How a handler of Fastify answers. */
async function send(reply, path, aauth) {
  const { status, headers, body } = await answerAt(path, aauth)
  return path === '/motto' ? reply.type('text/plain').send(motto) : reply.code(status).headers(headers).send(body)
}

const servers = {
  async node() {
    const known = node.wellKnown(resource)
    const mcp = mountNode(guardMcp(tools, resource, mcpRules))
    const open = mountNode(
      guardMcp(tools, resource, { ...mcpRules, path: '/mcp-open', session: { level: 'anonymous' } }),
    )
    const each = mountNode(stateless.guardMcp(() => statelessTools(`${downstream}/`), resource, statelessRules))
    const guarded = new Map(
      routes.map(({ method, path, need }) => [
        `${method} ${path}`,
        node.guard(resource, need, async (request, response, aauth) => {
          // A body that differs from its digest never ends.
          if ((await buffer(request).catch(() => undefined)) === undefined) return
          if (path === '/ticks') return lastingAnswer(request, response)
          const { status, headers, body } = await answerAt(path, aauth)
          if (path === '/motto') return void response.writeHead(200, { 'content-type': 'text/plain' }).end(motto)
          const isTold = path === '/items' || path === '/lost'
          if (isTold) response.writeEarlyHints({ link: '</style.css>; rel=preload' })
          const phrase = isTold ? ['two and no more'] : []
          const trailer = isTold ? { trailer: 'x-count' } : {}
          response.writeHead(status, ...phrase, { 'content-type': 'application/json', ...headers, ...trailer })
          if (isTold) response.addTrailers({ 'x-count': '2' })
          response.end(JSON.stringify(body))
        }),
      ]),
    )
    return createServer(async (request, response) => {
      for (const mounted of [mcp, open, each, known]) if (await mounted(request, response)) return
      const path = request.url.split('?')[0]
      // A preflight goes to the guard of the request that it is about.
      const asked = request.method === 'OPTIONS' ? request.headers['access-control-request-method'] : request.method
      const handler = guarded.get(`${asked === 'HEAD' ? 'GET' : asked} ${path}`)
      if (handler === undefined) response.writeHead(404).end()
      else await handler(request, response)
    })
  },
  async express() {
    const { default: framework } = await import('express')
    const app = framework()
    app.use(express.wellKnown(resource))
    for (const { method, path, need } of routes)
      app[method.toLowerCase()](path, express.guard(resource, need), framework.json(), async (request, response) => {
        const { status, headers, body } = await answerAt(path, request.aauth)
        if (path === '/motto') response.type('text/plain').send(motto)
        else response.status(status).set(headers).json(body)
      })
    app.use(express.setbacks)
    return createServer(app)
  },
  async fastify() {
    const { default: framework } = await import('fastify')
    let handle
    const app = framework({ serverFactory: handler => (handle = createServer(handler)) })
    app.addHook('onRequest', fastify.wellKnown(resource))
    for (const { method, path, need } of routes)
      app.route({
        method,
        url: path,
        ...fastify.guard(resource, need),
        handler: (request, reply) => send(reply, path, request.aauth),
      })
    await app.ready()
    return handle
  },
  async hono() {
    const [{ Hono }, { getRequestListener }] = await Promise.all([import('hono'), import('@hono/node-server')])
    const app = new Hono()
    app.use(hono.wellKnown(resource))
    for (const { method, path, need } of routes)
      app.on(method, path, hono.guard(resource, need), async context => {
        if ((await context.req.arrayBuffer().catch(() => undefined)) === undefined) return context.body(null, 400)
        const { status, headers, body } = await answerAt(path, context.var.aauth)
        return path === '/motto' ? context.text(motto) : context.json(body, status, headers)
      })
    return createServer(getRequestListener(app.fetch))
  },
  async fetch() {
    const { getRequestListener } = await import('@hono/node-server')
    const known = fetching.wellKnown(resource)
    const guarded = new Map(
      routes.map(({ method, path, need }) => [
        `${method} ${path}`,
        fetching.guard(resource, need, async (request, aauth) => {
          if ((await request.arrayBuffer().catch(() => undefined)) === undefined)
            return new Response(null, { status: 400 })
          const { body, ...head } = await answerAt(path, aauth)
          return path === '/motto' ? new Response(motto) : Response.json(body, head)
        }),
      ]),
    )
    return createServer(
      getRequestListener(async (request, { incoming }) => {
        const found = await known(request)
        if (found) return found
        const method = request.method === 'HEAD' ? 'GET' : request.method
        const handler = guarded.get(`${method} ${new URL(request.url).pathname}`)
        return handler === undefined ? new Response(null, { status: 404 }) : handler(request, { incoming })
      }),
    )
  },
}

const server = await servers[adapter]()
server.listen(Number(port), '127.0.0.1', () => console.log(`site ready at ${id}`))
