import { AAuthError } from '@countersign/protocol'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { cors, guard, wellKnown } from './fetch.js'
import * as hono from './hono.js'
import { type Adapter, inProcess, listening, type Plan, pages, parsedJson, say } from './site.test.fixture.js'

const written = () =>
  new Response('ok', {
    status: 201,
    headers: [
      ['cache-control', 'public'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
  })

const streamed = () => new Response(new Blob(['one ', 'two']).stream())

/** With a Fetch handler alone. */
export const fetchAdapter: Adapter = {
  name: 'Fetch',
  wire: false,
  answersErrors: false,
  inApp: true,
  async make(plan) {
    const routes = fetchRoutes(plan)
    const known = wellKnown(plan.resource)
    const handle = cors(
      plan.resource,
      async request =>
        (await known(request)) ??
        (await routes.get(new URL(request.url).pathname)?.(request)) ??
        new Response(null, { status: 404 }),
    )
    return inProcess(handle, plan)
  },
}

function fetchRoutes(plan: Plan): Map<string, (request: Request) => Promise<Response>> {
  const { resource } = plan
  const routes = new Map<string, (request: Request) => Promise<Response>>()
  for (const [path, page] of Object.entries(pages)) {
    const { bodyLimit, requirement } = page
    const route = guard(
      resource,
      requirement,
      async (request: Request, aauth) => {
        const { body, status = 200, headers = {} } = await say(plan, page, aauth, await request.text())
        return new Response(body, { status, headers })
      },
      bodyLimit === undefined ? {} : { bodyLimit },
    )
    routes.set(path, route)
    if (path === '/feed') {
      routes.set('/mounted/feed', route)
      routes.set('/late', async request => {
        await request.text()
        return route(request)
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

/** With Hono on Node. */
export const honoAdapter: Adapter = {
  name: 'Hono',
  wire: true,
  answersErrors: true,
  inApp: true,
  make: plan => listening(createAdaptorServer({ fetch: honoApp(plan).fetch })),
}

function honoApp(plan: Plan): Hono {
  const { resource } = plan
  const app = new Hono()
  app.onError((error, c) => {
    // Hono asks the app about every error; what a setback is answered with is the guard's all the same.
    if (!(error instanceof AAuthError)) plan.failed.push(error)
    return c.text('broken', 500)
  })
  app.use(hono.cors(resource), hono.wellKnown(resource))
  for (const [path, page] of Object.entries(pages)) {
    const { bodyLimit, requirement } = page
    app.all(path, hono.guard(resource, requirement, bodyLimit === undefined ? {} : { bodyLimit }), async c => {
      const { body, status = 200, headers = {} } = await say(plan, page, c.var.aauth, await c.req.text())
      return new Response(body, { status, headers })
    })
  }
  const fed = hono.guard(resource, { level: 'pseudonymous' })
  app.route(
    '/mounted',
    new Hono().get('/feed', fed, c => c.json({ level: c.var.aauth.level })),
  )
  app.post(
    '/late',
    async (c, next) => {
      await c.req.text()
      await next()
    },
    fed,
    c => {
      plan.ran += 1
      return c.text('late')
    },
  )
  const open = hono.guard(resource, { level: 'anonymous' })
  app.post('/json', open, async c => {
    const { status, body } = parsedJson(await c.req.text())
    return c.body(body, status)
  })
  app.get('/stream', open, streamed)
  app.get('/written', open, written)
  return app
}
