import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import { cors, guard, wellKnown } from './adapter/fastify-node.js'
import { askedOnNode, sayOnNode } from './said-node.test.fixture.js'
import { type Adapter, listening, type Plan, pages, say } from './site.test.fixture.js'

/** With Fastify and its parsers. */
export const fastifyAdapter: Adapter = {
  name: 'Fastify',
  wire: true,
  answersErrors: true,
  inApp: true,
  async make(plan) {
    const app = appOf(plan)
    await app.ready()
    const site = await listening(app.server)
    return { ...site, stop: () => app.close() }
  },
}

function appOf(plan: Plan): FastifyInstance {
  const { resource } = plan
  const app = fastify({ bodyLimit: 2_000_000, requestIdHeader: 'x-request-id' })
  app.addHook('onRequest', cors(resource))
  app.addHook('onRequest', wellKnown(resource))
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body))
  app.setErrorHandler<FastifyError>((error, _, reply) => {
    const { statusCode = 500 } = error
    if (statusCode >= 500) plan.failed.push(error)
    return reply.code(statusCode).send('broken')
  })
  app.register(async raw => {
    raw.removeAllContentTypeParsers()
    raw.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body))
    for (const [path, page] of Object.entries(pages)) {
      const { bodyLimit } = page
      const guarded = guard(resource, page.requirement, bodyLimit === undefined ? {} : { bodyLimit })
      raw.all(path, guarded, async (request, reply) => {
        const sent = (request.body as string | undefined) ?? ''
        const said = await say(plan, page, { aauth: request.aauth, body: sent, asked: askedOnNode(request.raw) })
        if (said.beside !== undefined || said.lines !== undefined) {
          reply.hijack()
          return sayOnNode(said, reply.raw)
        }
        const { status = 200, headers, body } = said
        return reply
          .code(status)
          .headers(headers ?? {})
          .send(body)
      })
    }
  })
  app.register(
    async mounted => {
      mounted.get('/feed', guard(resource, { level: 'pseudonymous' }), async ({ aauth, url }) => ({
        level: aauth.level,
        url,
      }))
    },
    { prefix: '/mounted' },
  )
  app.register(async late => {
    late.addHook('preParsing', async (_request, _reply, payload) => Readable.from([await text(payload)]))
    late.post('/late', guard(resource, { level: 'pseudonymous' }), async () => {
      plan.ran += 1
    })
  })
  const open = guard(resource, { level: 'anonymous' })
  app.post('/json', open, async request => request.body)
  app.get('/stream', open, async (_, reply) => reply.send(Readable.from(['one ', 'two'])))
  app.get('/written', open, (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(201, 'Made', ['Cache-Control', 'public', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end('ok')
  })
  return app
}
