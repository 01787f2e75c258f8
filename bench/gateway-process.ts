import { Agent, createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import httpProxy from 'http-proxy'
import { answerMeasurements } from './measured-process.js'

/** What the bench tells this process: to be the API, the package `http-proxy`, or `countersign gateway`. */
export type GatewayOrder =
  | { readonly kind: 'upstream' }
  | { readonly kind: 'proxy'; readonly upstream: string; readonly connections: 'kept' | 'closed' }
  | {
      readonly kind: 'gateway'
      readonly port: number
      /** The arguments of `countersign gateway`. */
      readonly flags: readonly string[]
      /** The module of the command. */
      readonly cli: string
    }

const small = JSON.stringify({ events: [{ summary: 'Chess at eight', start: '2026-12-01T20:00' }] })
const piece = 16_384
const large = JSON.stringify({ text: 'x'.repeat(4 * piece - '{"text":""}'.length) })
const type = { 'content-type': 'application/json' }

const upstream: RequestListener = async (request, response) => {
  if (request.method === 'POST') {
    const body = JSON.stringify({ bytes: (await text(request)).length })
    response.writeHead(200, { ...type, 'content-length': body.length }).end(body)
  } else if (request.url === '/open/large') {
    response.writeHead(200, { ...type, 'content-length': large.length })
    for (let at = 0; at < large.length; at += piece) {
      response.write(large.slice(at, at + piece))
      await turn()
    }
    response.end()
  } else response.writeHead(200, { ...type, 'content-length': small.length }).end(small)
}

function proxyTo({ upstream, connections }: GatewayOrder & { readonly kind: 'proxy' }): RequestListener {
  const agent = new Agent({ keepAlive: connections === 'kept' })
  const proxy = httpProxy.createProxyServer({ target: upstream, agent, xfwd: true })
  proxy.on('error', error => {
    throw error
  })
  return (request, response) => proxy.web(request, response)
}

async function run(order: GatewayOrder): Promise<number> {
  if (order.kind === 'gateway') {
    const { start } = (await import(order.cli)) as { start(argv: readonly string[]): Promise<void> }
    await start(['node', 'countersign', 'gateway', ...order.flags])
    return order.port
  }
  const server = createServer(order.kind === 'upstream' ? upstream : proxyTo(order))
  // Longer than a round: a connection that closes as it is used again is another story.
  server.keepAliveTimeout = 120_000
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

answerMeasurements(run)
