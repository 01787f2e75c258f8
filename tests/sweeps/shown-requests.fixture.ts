import { readdirSync, readFileSync } from 'node:fs'
import { createCheck, createGateway } from '@countersign/gateway'
import { guardMcp as guardSdk1 } from '@countersign/mcp-sdk1'
import { type Describe, describeBy, display, type Requirement } from '@countersign/resource'
import { asHolder } from '@countersign/testing/world/signer'
import { McpServer as Sdk1Server } from '@modelcontextprotocol/sdk/server/mcp.js'
import { McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { guardMcp } from '../../packages/mcp/src/index.js'
import { envelope } from '../../packages/mcp/src/tools.test.fixture.js'
import { makeWorld, type ToSign, type World } from '../../packages/resource/src/world.test.fixture.js'
import { root } from '../processes.fixture.js'

/** A request for the operation that a user approves. */
export interface Asked {
  readonly body: string
  readonly query?: string
  readonly contentType?: string
  readonly headers?: ReadonlyArray<readonly [string, string]>
  /** More members of `params` of an MCP call, as they are written. */
  readonly params?: string
}

/** What became of it: `display` is what the user would be shown. */
export interface Outcome {
  readonly status: number
  readonly reason: string | undefined
  readonly display: readonly string[] | undefined
}

/** Where a request is turned into what a user is shown. */
export interface Door {
  readonly isMcp: boolean
  open(world: World, describe: Describe): (asked: Asked) => Promise<Outcome>
}

/** The ways to describe a request. */
export const descriptions: Readonly<Record<string, Describe>> = {
  template: describeBy('Send {body/subject} to {body/to}'),
  function: request => {
    const { subject, to } = request.json() as { subject: string; to: string }
    return display`Send ${subject} to ${to}`
  },
}

const scope = 'events.write' as const
const sending = (describe: Describe) => ({ scope, operation: 'send', approve: true, describe }) as const
const send = 'POST'

async function signed(world: World, more: Omit<ToSign, 'as'>) {
  const as = asHolder(world.delegateKey, await world.authToken({ sub: 'alice', scope }))
  return world.request({ as, method: send, ...more })
}

const http = (
  open: (
    world: World,
    requirement: Requirement<typeof scope>,
  ) => (message: Awaited<ReturnType<World['request']>>) => unknown,
): Door => ({
  isMcp: false,
  open(world, describe) {
    const handle = open(world, sending(describe))
    return async ({ body, query = '', contentType = 'application/json', headers = [] }) => {
      const names = headers.map(([name]) => name)
      const message = await signed(world, {
        target: `/messages${query}`,
        body,
        contentType,
        headers,
        additionalComponents: names,
      })
      return outcomeOf(await settled(() => handle(message)))
    }
  },
})

const mcp = (
  open: (
    world: World,
    requirement: Requirement<typeof scope>,
  ) => (message: Awaited<ReturnType<World['request']>>) => unknown,
  begin?: string,
): Door => ({
  isMcp: true,
  open(world, describe) {
    const handle = open(world, sending(describe))
    const post = async (
      body: string,
      o: { readonly query?: string; readonly session?: string; readonly isCurrent?: boolean },
    ) => {
      const named: Array<[string, string]> =
        o.isCurrent === true
          ? [
              ['mcp-protocol-version', '2026-07-28'],
              ['mcp-method', 'tools/call'],
              ['mcp-name', 'send'],
            ]
          : []
      if (o.session !== undefined) named.push(['mcp-session-id', o.session])
      const headers: Array<[string, string]> = [['accept', 'application/json, text/event-stream'], ...named]
      const additionalComponents = named.map(([name]) => name)
      return settled(async () =>
        handle(await signed(world, { target: `/mcp${o.query ?? ''}`, body, headers, additionalComponents })),
      )
    }
    return async ({ body, query, params = '' }) => {
      const session = begin === undefined ? undefined : ((await post(begin, {})).headers.get('mcp-session-id') ?? '')
      const meta = begin === undefined && !params.includes('"_meta"') ? `,"_meta":${JSON.stringify(envelope())}` : ''
      const call = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"send","arguments":${body}${params}${meta}}}`
      return outcomeOf(
        await post(call, { ...(query && { query }), ...(session && { session }), isCurrent: begin === undefined }),
      )
    }
  },
})

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
})

const upstream = 'http://127.0.0.1:9'

/** Every door. A test compares them with what calls the resource with a requirement. */
export const doors: Readonly<Record<string, Door>> = {
  resource: http((world, requirement) => {
    const resource = world.calendar()
    return async message => {
      const authorization = await resource.authorize(message, requirement)
      return authorization.ok ? new Response() : authorization.response
    }
  }),
  gateway: http((world, requirement) => {
    const routes = [{ path: '/messages', methods: ['POST'], requirement }]
    return createGateway({ resource: world.calendar(), upstream, routes }).handle
  }),
  check: http((world, requirement) => {
    const routes = [{ path: '/messages', methods: ['POST'], requirement }]
    const { handle } = createCheck({ resource: world.calendar(), routes, proxy: 'envoy', bodies: 'seen' })
    return message => handle({ ...message, target: `/check${message.target}` })
  }),
  guardMcp: mcp((world, requirement) => {
    const build = () => {
      const server = new McpServer({ name: 'mail', version: '1' })
      server.registerTool('send', { inputSchema: z.looseObject({}) }, async () => ({ content: [] }))
      return server
    }
    return guardMcp(build, world.calendar(), {
      now: () => world.clock.now,
      session: { scope },
      tools: { send: requirement },
    }).handle
  }),
  'guardMcp of sdk1': mcp((world, requirement) => {
    const build = () => {
      const server = new Sdk1Server({ name: 'mail', version: '1' })
      server.registerTool('send', { inputSchema: z.looseObject({}) }, async () => ({ content: [] }))
      return server
    }
    return guardSdk1(build, world.calendar(), {
      now: () => world.clock.now,
      session: { scope },
      tools: { send: requirement },
    }).handle
  }, initialize),
  'MCP behind the gateway': mcp((world, requirement) => {
    const routes = [{ path: '/mcp', requirement: { scope }, mcp: { tools: { send: requirement } } }]
    return createGateway({ resource: world.calendar(), upstream, routes, now: () => world.clock.now }).handle
  }),
}

async function settled(answer: () => unknown): Promise<Response> {
  try {
    return (await answer()) as Response
  } catch (thrown) {
    const { code, reason, status = 500 } = Object(thrown)
    return Response.json({ error: code, reason }, { status })
  }
}

async function outcomeOf(response: Response): Promise<Outcome> {
  const said = Object(await response.json().catch(() => ({})))
  const token = /resource_token="[^.]+\.([^.]+)\./.exec(response.headers.get('agent-auth') ?? '')?.[1] ?? ''
  const { operation } = token === '' ? {} : JSON.parse(Buffer.from(token, 'base64url').toString())
  return { status: response.status, reason: said.reason ?? said.error?.data?.reason, display: operation?.display }
}

export const newWorld: () => Promise<World> = makeWorld

/** Source files in which a word stands as a word of the program. */
export function filesWith(word: RegExp): string[] {
  const places = ['packages', 'apps'].flatMap(folder =>
    readdirSync(`${root}/${folder}`).flatMap(name => [`${folder}/${name}/src`, `${folder}/${name}/page`]),
  )
  return places
    .filter(place => !place.startsWith('packages/conformance') && !place.startsWith('packages/vectors'))
    .flatMap(place => {
      try {
        return readdirSync(`${root}/${place}`, { recursive: true, encoding: 'utf8' }).map(file => `${place}/${file}`)
      } catch {
        return []
      }
    })
    .filter(file => /\.tsx?$/.test(file) && !/\.test\.|\.fixture\./.test(file))
    .filter(file => word.test(readFileSync(`${root}/${file}`, 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')))
}
