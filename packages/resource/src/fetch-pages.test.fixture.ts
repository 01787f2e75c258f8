import { pathOfRequest } from '@countersign/httpsig'
import { cors, guard, wellKnown } from './adapter/fetch.js'
import { type Plan, pages, parsedJson, say } from './site-pages.test.fixture.js'

// The site as a Fetch handler, on what the web has and nothing of Node.

export const written = (): Response =>
  new Response('ok', {
    status: 201,
    headers: [
      ['cache-control', 'public'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  })

export const streamed = (): Response => new Response(new Blob(['one ', 'two']).stream())

/** Answers a request that came from an address, where the platform shows it. */
export type FetchSite = (request: Request, address?: string) => Promise<Response>

/** The whole site. */
export function fetchSite(plan: Plan): FetchSite {
  const routes = fetchRoutes(plan)
  const known = wellKnown(plan.resource)
  return cors(
    plan.resource,
    async (request: Request, address?: string) =>
      (await known(request)) ??
      (await routes.get(pathOfRequest(request))?.(request, address)) ??
      new Response(null, { status: 404 }),
  )
}

function fetchRoutes(plan: Plan): Map<string, FetchSite> {
  const { resource } = plan
  const routes = new Map<string, FetchSite>()
  for (const [path, page] of Object.entries(pages)) {
    const { bodyLimit, requirement } = page
    const route = guard(
      resource,
      requirement,
      async (request: Request, aauth, _address?: string) => {
        const { body, status = 200, headers = {} } = await say(plan, page, aauth, await request.text())
        return new Response(body, { status, headers })
      },
      { ...(bodyLimit === undefined ? {} : { bodyLimit }), peer: (_, address) => address },
    )
    routes.set(path, route)
    if (path === '/feed') {
      routes.set('/mounted/feed', route)
      routes.set('/late', async (request, address) => {
        await request.text()
        return route(request, address)
      })
    }
  }
  const open = { level: 'anonymous' } as const
  routes.set(
    '/json',
    guard(resource, open, async request => {
      const { status, body } = parsedJson(await request.text())
      return new Response(body, { status })
    }),
  )
  routes.set('/stream', guard(resource, open, streamed))
  routes.set('/written', guard(resource, open, written))
  return routes
}
