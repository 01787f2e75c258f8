import { createServer, type ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import type { PeerAnswer } from './refusal.js'
import { Refusal, refusalAnswer } from './refusal.js'
import { type PeerRequest, receivedRequest } from './request.js'

/** Answers a request. */
export type Handler = (request: PeerRequest) => Promise<PeerAnswer>

/** What is answered to what nothing else is answered to. */
export const notFound: PeerAnswer = { status: 404, headers: { 'content-type': 'text/plain' }, body: 'not found\n' }

/** Serves on loopback until the process ends, and says when it listens. */
export function serve(port: number, handle: Handler): void {
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (incoming, response) => {
    void answerTo(receivedRequest(incoming), handle).then(({ status, phrase, headers, body, events, open }) => {
      if (response.destroyed) return
      response.writeHead(status, phrase, { ...headers })
      if (events !== undefined) return sendEvents(response, events)
      if (open === undefined) return void response.end(body)
      response.flushHeaders()
      if (body !== undefined) response.write(body)
      response.once(
        'close',
        open(() => response.destroy()),
      )
    })
  })
  // No line is dropped: a dropped Content-Length would hide a body.
  server.maxHeadersCount = 0
  server.listen(port, '127.0.0.1', () => console.log(`the peer is ready at http://localhost:${port}`))
}

/** Sends what comes, until it ends or its receiver goes. */
function sendEvents(response: ServerResponse, events: AsyncIterable<string>): void {
  response.flushHeaders()
  pipeline(Readable.from(events), response, () => {})
}

async function answerTo(request: PeerRequest, handle: Handler): Promise<PeerAnswer> {
  try {
    return await handle(request)
  } catch (error) {
    if (error instanceof Refusal) return refusalAnswer(error)
    console.error(error)
    const text = 'something went wrong'
    return refusalAnswer(new Refusal(500, 'server_error', { reason: 'internal_error', text }))
  }
}

/** A published document. */
export function publishedJson(document: object): PeerAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=60' },
    body: JSON.stringify(document),
  }
}
