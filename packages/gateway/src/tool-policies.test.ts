import { createServer, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { send } from '@countersign/testing/wire'
import { toolPolicies } from '../../mcp-sdk1/src/tool-cases.test.fixture.js'
import { readAnswer, sessionRule, type ToolSite, toolStages } from '../../mcp-sdk1/src/tool-stage.test.fixture.js'
import { listening, type Plan, type Site } from '../../resource/src/site.test.fixture.js'
import { serving } from './gateway-site.test.fixture.js'
import { createGateway } from './index.js'

const site: ToolSite = {
  name: 'mcpBehindGateway',
  async make(plan, tools, world) {
    const upstream = await serverOf(plan)
    const { resource } = plan
    const origin = `http://127.0.0.1:${upstream.port}`
    const routes = [{ path: '/mcp', requirement: sessionRule, mcp: { tools } }]
    const now = () => world.clock.now
    const running = await serving(plan, createGateway({ resource, upstream: origin, routes, now }))
    return {
      handle: async wire => readAnswer(await send(running.port, wire)),
      async stop() {
        await running.close()
        await upstream.stop()
      },
    }
  },
}

/** How a server of tools answers, beside its result. */
interface Http {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly reason?: string
  readonly hints?: Readonly<Record<string, string>>
  readonly trailers?: Readonly<Record<string, string>>
}

/** A server of tools without sessions, which knows nothing of AAuth. */
function serverOf(plan: Plan): Promise<Site> {
  return listening(
    createServer(async (request, response) => {
      const body = await text(request)
      plan.ran++
      const { id, params } = JSON.parse(body)
      const isInbox = params.name === 'inbox'
      // As it is written: a number that JavaScript cannot hold stays one.
      const result = isInbox ? body.slice(body.indexOf(',"says":') + 8, -3) : '{"structuredContent":{"aauth":{}}}'
      say(
        response,
        `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`,
        isInbox ? params.arguments.http : {},
      )
    }),
  )
}

function say(response: ServerResponse, message: string, http: Http): void {
  const { status = 200, headers = {}, reason, hints, trailers } = http
  if (hints !== undefined) response.writeEarlyHints(hints)
  const all = {
    'content-type': 'application/json',
    ...headers,
    ...(trailers && { trailer: Object.keys(trailers).join() }),
  }
  if (reason === undefined) response.writeHead(status, all)
  else response.writeHead(status, reason, all)
  response.write(message)
  if (trailers !== undefined) response.addTrailers(trailers)
  response.end()
}

toolPolicies(site, await toolStages())
