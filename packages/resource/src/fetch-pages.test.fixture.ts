import { pathOfRequest } from '@countersign/httpsig/internal'
import { cors, guard, wellKnown } from './adapter/fetch.js'
import { headersOf, type Plan, pages, parsedJson, type Said, say } from './site-pages.test.fixture.js'

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

/** What a handler says, as Fetch can say it: nothing beside. */
export function responseOf(said: Said): Response {
  const { body, status = 200, beside } = said
  const isEmpty = status === 204 || status === 304
  const statusText = beside?.reason ?? ''
  return new Response(isEmpty ? null : body, { status, statusText, headers: headersOf(said) })
}

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
        const asked = (name: string): string | undefined => request.headers.get(name) ?? undefined
        return responseOf(await say(plan, page, { aauth, body: await request.text(), asked }))
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
