import { createServer } from 'node:http'
import express, { type ErrorRequestHandler } from 'express'
import { cors, guard, setbacks, wellKnown } from './adapter/express-node.js'
import { heardOnNode, sayOnNode } from './said-node.test.fixture.js'
import { type Adapter, listening, type Plan, pages, say } from './site.test.fixture.js'

/** With Express and its body parsers. */
export const expressAdapter: Adapter = {
  name: 'Express',
  wire: true,
  answersErrors: true,
  inApp: true,
  make: plan => listening(createServer(appOf(plan))),
}

function appOf(plan: Plan): express.Express {
  const { resource } = plan
  const app = express()
  app.use(cors(resource), wellKnown(resource))
  for (const [path, page] of Object.entries(pages)) {
    const { bodyLimit } = page
    app.all(
      path,
      guard(resource, page.requirement, bodyLimit === undefined ? {} : { bodyLimit }),
      async (request, response) => {
        const said = await say(plan, page, await heardOnNode(request, request.aauth))
        if (said.beside !== undefined || said.lines !== undefined) return sayOnNode(said, response)
        const { status = 200, headers, body } = said
        response
          .status(status)
          .set(headers ?? {})
          .send(body)
      },
    )
  }
  const router = express.Router()
  router.use(guard(resource, { level: 'pseudonymous' }))
  router.get('/feed', (request, response) => {
    response.json({ level: request.aauth.level, url: request.url })
  })
  app.use('/mounted', router)
  app.post('/late', express.text({ type: '*/*' }), guard(resource, { level: 'pseudonymous' }), () => {
    plan.ran += 1
  })
  const open = guard(resource, { level: 'anonymous' })
  app.post('/json', open, express.json(), (request, response) => {
    response.json(request.body)
  })
  app.get('/stream', open, (_, response) => {
    response.write('one ')
    setImmediate(() => response.end('two'))
  })
  app.get('/written', open, (_, response) => {
    response.writeHead(201, 'Made', ['Cache-Control', 'public', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end('ok')
  })
  const broken: ErrorRequestHandler = (error, _, response, _next) => {
    // A body parser says by it that the request is wrong, and not the app.
    const { status = 500 } = error
    if (status >= 500) plan.failed.push(error)
    response.status(status).send('broken')
  }
  app.use(setbacks, broken)
  return app
}
