import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Guarded } from './guard/aauth.js'
import type { Heard, Said } from './site-pages.test.fixture.js'

/** What a handler of `node:http` gets. */
export async function heardOnNode(request: IncomingMessage, aauth: Guarded): Promise<Heard> {
  return { aauth, body: await text(request), asked: askedOnNode(request) }
}

/** The value of a header, as `node:http` shows it. */
export function askedOnNode({ headers }: IncomingMessage): Heard['asked'] {
  return name => headers[name]?.toString()
}

/** Says it with `node:http` alone. */
export function sayOnNode(
  { status = 200, headers = {}, lines = [], beside, body }: Said,
  response: ServerResponse,
): void {
  const all = [...Object.entries(headers), ...lines].flat()
  if (beside === undefined) {
    response.writeHead(status, all).end(body)
    return
  }
  response.writeEarlyHints(beside.hints)
  response.writeHead(status, beside.reason, [...all, 'Trailer', Object.keys(beside.trailers).join(', ')])
  response.write(body.slice(0, 5))
  response.write(body.slice(5), () => {
    response.addTrailers(beside.trailers)
    response.end()
  })
}
