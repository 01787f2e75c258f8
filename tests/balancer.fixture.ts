import { createServer, request as forward, type Server } from 'node:http'
import { listenOn } from '@countersign/testing/listening'

/** A balancer in front of instances of one server. */
export interface TestBalancer {
  readonly server: Server
  readonly port: number
  /** Sends new requests to these instances in turn. Requests under way end at theirs. */
  balance(ports: readonly number[]): void
  /** How many requests each instance has had. */
  readonly counts: ReadonlyMap<number, number>
}

/** Hands each request to the next instance, and repeats none: what an instance refuses or drops, the caller sees. */
export async function testBalancer(): Promise<TestBalancer> {
  let instances: readonly number[] = []
  const counts = new Map<number, number>()
  let turn = 0
  const server = createServer((incoming, response) => {
    const port = instances[turn++ % instances.length] ?? 0
    counts.set(port, (counts.get(port) ?? 0) + 1)
    const { method = 'GET', url: path = '/', rawHeaders } = incoming
    // As it came, line by line: signatures cover it.
    const headers = rawHeaders.filter((_, at) => !/^connection$/i.test(rawHeaders[at - (at % 2)] ?? ''))
    const outgoing = forward({ host: '127.0.0.1', port, method, path, headers, setHost: false }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    outgoing.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end('{}')))
    incoming.pipe(outgoing)
  })
  const port = await listenOn(server)
  return {
    server,
    port,
    counts,
    balance(ports) {
      instances = ports
    },
  }
}
