import { type ClientRequest, type IncomingMessage, request as open } from 'node:http'
import type { WireExchange, WireRequest, WireResponse } from './contract.js'

/** Sends a request with exactly these header lines, repeated ones and a wrong Host included. `fetch` would repair them. */
export type Send = (request: WireRequest) => Promise<WireExchange>

/** Bytes of a response that are kept. */
const longest = 65_536
/** Milliseconds. */
const patience = 15_000

/** The header lines of a request, by name, joined as a receiver joins them; undefined when there is none. */
export function lineOf(headers: WireRequest['headers'], name: string): string | undefined {
  const values = headers.filter(([known]) => known.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** The request with its Host, as it is sent. */
export function withHost(request: WireRequest): WireRequest {
  if (lineOf(request.headers, 'host') !== undefined) return request
  return { ...request, headers: [['host', new URL(request.to).host], ...request.headers] }
}

/** Sends a request over a connection of its own. */
export function sendRaw(request: WireRequest): Promise<WireExchange> {
  const sentAs = withHost(request)
  const { method, to, target, headers: lines, body } = sentAs
  const { hostname, port } = new URL(to)
  const bytes = Buffer.from(body)
  const framed = bytes.length === 0 ? lines : [...lines, ['content-length', String(bytes.length)] as const]
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = open({
      hostname,
      port,
      method,
      path: target,
      agent: false,
      setHost: false,
      timeout: patience,
      headers: [...framed, ['connection', 'close'] as const].flat(),
    })
    sent.once('timeout', () => sent.destroy(new Error('the server did not answer in time')))
    sent.once('error', reject)
    sent.once('response', response => {
      read(response).then(answered => resolve({ request: sentAs, response: answered }), reject)
    })
    sent.end(bytes)
  })
}

async function read(response: IncomingMessage): Promise<WireResponse> {
  // bound: one call: longest
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length <= longest) chunks.push(chunk)
  }
  const { rawHeaders, statusCode = 0 } = response
  const headers = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [[name, rawHeaders[at + 1] ?? ''] as const] : []))
  return { status: statusCode, headers, body: Buffer.concat(chunks).toString('utf8') }
}
