import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { TracedExchange } from '@countersign/server'
import { shortenBody, shortenHeaders, shortenTarget } from './shorten.js'

/** Answers a request of Node's HTTP server. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** Most bytes of a body that are shown. */
const mostShown = 64 * 1024

/**
 * Runs a server that does not know AAuth as a process of its own, which tells the playground what it receives and answers, without
 * the secrets in it. It ends with the playground.
 */
export function serveTraced(options: { readonly id: string; readonly name: string; readonly answer: Answer }): void {
  const { id, name, answer } = options
  const server = createServer((request, response) => {
    trace(request, response, { id, name })
    answer(request, response).catch((error: unknown) => {
      console.error(error instanceof Error ? `${error.name}: ${error.message}` : 'a request failed')
      if (!response.headersSent) response.writeHead(400, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: 'invalid_request' }))
    })
  })
  server.listen(Number(new URL(id).port), 'localhost', () => console.log(`countersign ${name} ready at ${id}`))
  process.once('SIGTERM', () => {
    server.closeAllConnections()
    server.close(() => process.exit(0))
  })
  // The playground has ended: this process must not outlive it.
  process.once('disconnect', () => process.exit(0))
}

function trace(
  request: IncomingMessage,
  response: ServerResponse,
  { id, name }: { readonly id: string; readonly name: string },
): void {
  const at = Date.now() / 1000
  const { remotePort } = request.socket
  const asked = bodyText()
  const answered = bodyText()
  // The server reads its requests itself: what is pushed into the stream is seen on its way, and nothing is taken out.
  const push = request.push.bind(request)
  request.push = (chunk, encoding) => {
    if (chunk !== null) asked.add(chunk)
    return push(chunk, encoding)
  }
  seeWritten(response, answered.add)
  response.once('finish', () => {
    const exchange: TracedExchange = {
      ...{ at, to: id, name, peerPort: remotePort },
      request: {
        method: request.method ?? '',
        target: shortenTarget(request.url ?? ''),
        headers: shortenHeaders(pairs(request.rawHeaders)),
        body: shortenBody(asked.text()),
      },
      response: {
        status: response.statusCode,
        headers: shortenHeaders(sentHeaders(response)),
        body: shortenBody(answered.text()),
      },
    }
    process.send?.(exchange)
  })
}

/** Calls `add` with each chunk that is written to a response. */
function seeWritten(response: ServerResponse, add: (chunk: unknown) => void): void {
  const { write, end } = response
  response.write = ((...chunk: Parameters<typeof write>) => {
    add(chunk[0])
    return write.apply(response, chunk)
  }) as typeof write
  response.end = ((...chunk: Parameters<typeof end>) => {
    add(chunk[0])
    return end.apply(response, chunk)
  }) as typeof end
}

function bodyText(): { readonly add: (chunk: unknown) => void; readonly text: () => string } {
  // bound: one call
  const chunks: Buffer[] = []
  let length = 0
  return {
    add(chunk) {
      if (length >= mostShown) return
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk instanceof Uint8Array ? chunk : undefined
      if (bytes === undefined) return
      chunks.push(Buffer.from(bytes))
      length += bytes.length
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  }
}

function pairs(raw: readonly string[]): Array<[string, string]> {
  return raw.flatMap((name, index): Array<[string, string]> => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []))
}

function sentHeaders(response: ServerResponse): Array<[string, string]> {
  return Object.entries(response.getHeaders()).flatMap(
    ([name, value]): Array<[string, string]> =>
      (Array.isArray(value) ? value : [value]).map(one => [name, String(one)]),
  )
}
