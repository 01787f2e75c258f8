import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import { createResource, type Resource } from '@countersign/resource'
import { guard as guardFetch } from '@countersign/resource/fetch'
import { guard as guardHono } from '@countersign/resource/hono'
import { guard } from '@countersign/resource/node'
import { serve } from '@countersign/server'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { answerMeasurements } from './measured-process.js'

type FetchHandler = (request: Request, env: object) => Response | Promise<Response>

/** What the bench tells this process. */
export interface BodiesOrder {
  /**
   * What reads the bodies: a server of ours, a guard on a server of the user's own, or that over HTTP/2; `late`: a handler that
   * streams the body and has not begun to read it, of `begun` one that has read its first chunk.
   */
  readonly kind: 'serve' | 'node' | 'http2' | 'late' | 'late http2' | 'late hono' | 'begun hono' | 'late fetch'
}

const id = 'https://calendar.example'
const bodyLimit = 1_048_576

async function run({ kind }: BodiesOrder): Promise<number> {
  const fetcher = async () => ({ status: 404, contentType: 'text/plain', body: new Uint8Array() })
  const keys = [{ kid: 'k1', key: await generateSigningKey() }]
  const resource = createResource({ id, keys, discovery: createDiscovery({ fetcher }) })
  if (kind === 'serve') {
    const participant = {
      async handle(message: Parameters<typeof resource.authorize>[0]) {
        const authorization = await resource.authorize(message, { level: 'pseudonymous' })
        return authorization.ok ? new Response('done') : authorization.response
      },
    }
    const running = await serve({
      name: 'bodies',
      id,
      port: 0,
      host: '127.0.0.1',
      participant,
      bodyLimit,
      signals: false,
      announce: () => undefined,
      level: 'error',
    })
    return running.port
  }
  if (kind.endsWith('hono') || kind.endsWith('fetch'))
    return listening(createAdaptorServer({ fetch: fetching(resource, kind) }))
  const isLate = kind.startsWith('late')
  const guarded = guard<never, never, never>(
    resource,
    { level: 'pseudonymous', body: isLate ? 'stream' : 'whole' },
    (_, response: { end(text: string): void }) => {
      if (!isLate) response.end('done')
    },
  )
  const listener = (request: unknown, response: unknown): void =>
    void guarded(request as never, response as never).catch(() => undefined)
  return listening(kind.endsWith('http2') ? createHttp2Server(listener) : createServer(listener))
}

/** A handler of Fetch requests that reads its body late, or begins and then pauses. */
function fetching(resource: Resource<never>, kind: BodiesOrder['kind']): FetchHandler {
  const need = { level: 'pseudonymous', body: 'stream' } as const
  const pausing = async (body: ReadableStream<Uint8Array> | null): Promise<Response> => {
    if (kind.startsWith('begun')) await body?.getReader().read()
    return new Promise<Response>(() => undefined)
  }
  if (kind.endsWith('fetch')) {
    const guarded = guardFetch(resource, need, request => pausing(request.body))
    return request => guarded(request)
  }
  const app = new Hono()
  app.post('/', guardHono(resource, need), c => pausing(c.req.raw.body))
  return app.fetch
}

async function listening(server: Pick<Server, 'listen' | 'address'>): Promise<number> {
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

answerMeasurements(run)
