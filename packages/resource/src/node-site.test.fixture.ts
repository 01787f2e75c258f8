import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { pathOf } from '@countersign/httpsig/internal'
import { cors, guard, type NodeHandler, wellKnown } from './adapter/node.js'
import { heardOnNode, sayOnNode } from './said-node.test.fixture.js'
import { type Adapter, listening, type Plan, pages, parsedJson, say } from './site.test.fixture.js'

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** With `node:http` alone. */
export const nodeAdapter: Adapter = {
  name: 'node:http',
  wire: true,
  answersErrors: true,
  inApp: true,
  make: plan => listening(createServer(nodeSite(plan))),
}

/** The whole site. */
export function nodeSite(plan: Plan): (request: IncomingMessage, response: ServerResponse) => void {
  const routes = routesOf(plan)
  const answered = [cors(plan.resource), wellKnown(plan.resource)]
  const handle: Handler = async (request, response) => {
    for (const answer of answered) if (await answer(request, response)) return
    const route = routes.get(pathOf(request.url ?? ''))
    if (route === undefined) response.writeHead(404).end()
    else await route(request, response)
  }
  return (request, response) => {
    handle(request, response).catch((error: unknown) => plan.failed.push(error))
  }
}

function routesOf(plan: Plan): Map<string, Handler> {
  const { resource } = plan
  const routes = new Map<string, Handler>()
  for (const [path, page] of Object.entries(pages)) {
    const handler: NodeHandler = async (request, response, aauth) => {
      sayOnNode(await say(plan, page, await heardOnNode(request, aauth)), response)
    }
    const { bodyLimit } = page
    routes.set(path, guard(resource, page.requirement, handler, bodyLimit === undefined ? {} : { bodyLimit }))
  }
  const fed = routes.get('/feed')
  if (fed !== undefined) {
    routes.set('/mounted/feed', fed)
    routes.set('/late', async (request, response) => {
      await text(request)
      await fed(request, response)
    })
  }
  const open = { level: 'anonymous' } as const
  routes.set(
    '/json',
    guard(resource, open, async (request, response) => {
      const { status, body } = parsedJson(await text(request))
      response.writeHead(status).end(body)
    }),
  )
  routes.set(
    '/stream',
    guard(resource, open, (_, response) => {
      response.write('one ')
      setImmediate(() => response.end('two'))
    }),
  )
  routes.set(
    '/written',
    guard(resource, open, (_, response) => {
      response.writeHead(201, 'Made', ['Cache-Control', 'public', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end('ok')
    }),
  )
  return routes
}
