import { AAuthError } from '@countersign/protocol'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import * as hono from './adapter/hono.js'
import { fetchSite, responseOf, streamed, written } from './fetch-pages.test.fixture.js'
import { type Adapter, inProcess, listening, type Plan, pages, parsedJson, say } from './site.test.fixture.js'

/** With a Fetch handler alone. */
export const fetchAdapter: Adapter = {
  name: 'Fetch',
  wire: false,
  answersErrors: false,
  inApp: true,
  make: async plan => inProcess(fetchSite(plan), plan),
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
      const heard = { aauth: c.var.aauth, body: await c.req.text(), asked: (name: string) => c.req.header(name) }
      return responseOf(await say(plan, page, heard))
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
