import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkOptions } from '@countersign/protocol/internal'
import { AgentError } from '../error.js'
import type { Interact } from '../grant/interact.js'
import { browserInteraction, type ReturnPoint, type VisitUrl } from './browser-interaction.js'
import { callbackOutcome, loopbackPage, loopbackPolicy } from './loopback-page.js'

/** Options of {@link loopback}. */
export interface LoopbackOptions {
  /** Sends the user to the page: `openBrowser`, `printUrl`, or a function of your own. */
  readonly open: VisitUrl
}

/**
 * Asks users in a browser of this machine, which comes back to a listener on 127.0.0.1. Each request opens a listener, on a
 * random port and an unguessable path, and its answer closes it. The agent's metadata must have `localhost_callback_allowed`.
 * @see protocol §6.3
 */
export function loopback(options: LoopbackOptions): Interact {
  checkOptions('loopback', options, { open: 'function' })
  const { open } = options
  if (typeof open !== 'function') throw new TypeError('open must be a function, such as openBrowser or printUrl')
  return browserInteraction('loopback', receive => listen(open, receive))
}

async function listen(open: VisitUrl, receive: (url: URL) => Promise<void>): Promise<ReturnPoint> {
  const path = `/${randomBytes(16).toString('base64url')}`
  const own = { origin: '', path, receive }
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, keepAlive: false },
    (request, response) => {
      answerRequest(request, response, own).catch(() => response.destroy())
    },
  )
  server.maxConnections = 16
  await startListening(server)
  own.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { redirectUri: `${own.origin}${path}`, visit: open, close: () => closeServer(server) }
}

function startListening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', () => reject(new AgentError('unsupported', 'no port on 127.0.0.1 could be opened')))
    server.listen(0, '127.0.0.1', resolve)
  })
}

/** Closes a listener. An idle connection of a browser must not keep the program from ending. */
function closeServer(server: Server): void {
  server.close()
  setTimeout(() => server.closeAllConnections(), 1_000).unref()
}

async function answerRequest(
  { method, url = '', headers }: IncomingMessage,
  response: ServerResponse,
  {
    origin,
    path,
    receive,
  }: { readonly origin: string; readonly path: string; readonly receive: (url: URL) => Promise<void> },
): Promise<void> {
  const [target = ''] = url.split('?', 1)
  // A page of another site can reach this port under a name of its own (DNS rebinding), but does not know the path.
  const isOurs = method === 'GET' && `http://${headers.host}` === origin && isEqual(target, path)
  const back = new URL(isOurs ? url : path, origin)
  const isAnswer =
    isOurs &&
    (await receive(back).then(
      () => true,
      () => false,
    ))
  const page = isAnswer ? loopbackPage(callbackOutcome(back)) : Buffer.alloc(0)
  response.writeHead(isAnswer ? 200 : 404, { ...pageHeaders, 'content-length': page.length })
  response.end(page)
}

function isEqual(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  // The code is in the URL of this page, and must not leak to a cache or a referrer.
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'content-security-policy': loopbackPolicy,
  'x-content-type-options': 'nosniff',
  connection: 'close',
}
