import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'

/** Bounds of the metrics port: it is for a few scrapers, not for the public. */
const bounds = { connections: 16, headerBytes: 8192, seconds: 5 }

/** The content type of the text format of Prometheus. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** A metrics port that is listening. */
export interface MetricsEndpoint {
  readonly url: string
  close(): void
}

/**
 * Answers `GET /metrics` with the text that `read` gives, and nothing else.
 * @throws Error of the system when it cannot listen
 */
export async function metricsEndpoint(o: {
  readonly host: string
  readonly port: number
  readonly read: () => Promise<string>
}): Promise<MetricsEndpoint> {
  const read = shared(o.read)
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytes,
      headersTimeout: bounds.seconds * 1000,
      requestTimeout: bounds.seconds * 1000,
      keepAliveTimeout: bounds.seconds * 1000,
      connectionsCheckingInterval: bounds.seconds * 250,
    },
    (request, response) => void answer(request, response, read),
  )
  server.maxConnections = bounds.connections
  await listening(server, o)
  // The process ends with the server that it measures.
  server.unref()
  const { address, port } = server.address() as AddressInfo
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${port}/metrics`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function listening(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Scrapes that come at once share one reading. */
function shared(read: () => Promise<string>): () => Promise<string> {
  let reading: Promise<string> | undefined
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}

/** Never reads a body: Node discards it, within the seconds of a request. */
async function answer(request: IncomingMessage, response: ServerResponse, read: () => Promise<string>): Promise<void> {
  const end = (status: number, headers: Record<string, string>, text: string): void =>
    void response.writeHead(status, { 'x-content-type-options': 'nosniff', ...headers }).end(text)
  if (!isAddressed(request)) return end(421, {}, 'the Host header names another server\n')
  if (request.url?.split('?', 1)[0] !== '/metrics') return end(404, {}, 'only /metrics\n')
  if (request.method !== 'GET') return end(405, { allow: 'GET' }, 'only GET\n')
  try {
    end(200, { 'content-type': contentType, 'cache-control': 'no-store' }, await read())
  } catch {
    end(500, {}, 'the metrics could not be read\n')
  }
}

/** On loopback the caller must name loopback: a page of another site could otherwise read by a name that leads here (DNS rebinding). */
function isAddressed({ headers, socket }: IncomingMessage): boolean {
  const { localAddress = '' } = socket
  const onLoopback = /^(?:::ffff:)?127\.|^::1$/.test(localAddress)
  return !onLoopback || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(headers.host ?? '')
}
