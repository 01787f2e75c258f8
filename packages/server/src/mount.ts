import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ReceivedMessage, receiveRequest } from '@countersign/httpsig'
import { connectionOfRequest, pathOf, pathOfRequest } from '@countersign/httpsig/internal'
import { connectionOfNode } from '@countersign/httpsig/internal/node'
import { receiveNode } from '@countersign/httpsig/node'
import { errorResponse } from '@countersign/protocol'
import { asAAuthError, checkOptions, frameHead } from '@countersign/protocol/internal'
import { discardRest } from './discard-rest.js'
import type { Participant } from './participant.js'
import { writeResponse } from './write-response.js'

/** A participant that names its paths, so that it can share an origin with a site. */
export interface MountableParticipant extends Participant {
  /** Its paths, exactly as in a request target, without query. */
  readonly paths: readonly string[]
}

/** How a participant is mounted. */
export interface MountOptions {
  /** Body bytes; default 64 KiB. More: 413. */
  readonly bodyLimit?: number
}

/** The part of a Hono context that {@link mountHono} reads. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  /** With `@hono/node-server`, Node's own request is its `incoming`. */
  readonly env: unknown
}

const defaultBodyLimit = 64 * 1024
/** Seconds that a peer may stop reading the response. */
const stall = 30

/**
 * Mounts a participant in front of a Fetch handler, at the root of its origin. The runtime has already parsed such a request, so
 * attacks on its spelling cannot be detected: on Node use {@link mountNode} or {@link mountHono}.
 * @returns a handler that resolves to undefined for every path that is not the participant's: pass those requests to the site
 * @see protocol §3.3
 */
export function mountFetch(
  participant: MountableParticipant,
  options: MountOptions = {},
): (request: Request) => Promise<Response | undefined> {
  checkOptions('mountFetch', options, { bodyLimit: 'number' })
  const receiving = receivingBy(options)
  return async request => {
    if (!participant.paths.includes(pathOfRequest(request))) return undefined
    return framed(await answer(participant, async () => receiveRequest(request, receiving)), request.method)
  }
}

/**
 * Mounts a participant in front of a `node:http` site, or as Express middleware before any middleware that reads bodies, at the
 * root of its origin. Requests are verified exactly as they were received.
 * @returns a handler that calls `next`, if given, and resolves to false for every path that is not the participant's: those
 * requests go on to the site, unread. A mistake of the program (a body read before) goes to `next`; without `next` it rejects. A body that
 * fails while it is sent cuts its connection, and is no such mistake: a stream ends so with the grant of its request.
 * @see protocol §3.3
 */
export function mountNode(
  participant: MountableParticipant,
  options: MountOptions = {},
): (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => Promise<boolean> {
  checkOptions('mountNode', options, { bodyLimit: 'number' })
  const receiving = receivingBy(options)
  return async (request, response, next) => {
    if (!participant.paths.includes(pathOf(request.url ?? ''))) {
      next?.()
      return false
    }
    try {
      const connection = connectionOfNode(request, response)
      const answered = await answer(participant, async () => ({
        ...(await receiveNode(request, receiving)),
        connection,
      }))
      if (!request.complete) {
        await discardRest(request)
        if (!request.complete) response.setHeader('connection', 'close')
      }
      await writeResponse(answered, response, { stall }).catch(error => {
        // A stream fails with the grant of its request, or with the time of its conditions: its peer can bring that about. The
        // connection is cut already. A rejection would end a process whose listener does not catch it.
        if (!response.destroyed) throw error
      })
    } catch (thrown) {
      if (next === undefined) throw thrown
      next(thrown)
    }
    return true
  }
}

/**
 * Mounts a participant as Hono middleware, at the root of its origin and before any middleware that reads bodies:
 * `app.use(mountHono(server))`. With `@hono/node-server` requests are verified exactly as they were received, elsewhere as far as a
 * Fetch request shows it. Requests for every path that is not the participant's go on to the app, unread.
 * @see protocol §3.3
 */
export function mountHono(
  participant: MountableParticipant,
  options: MountOptions = {},
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  checkOptions('mountHono', options, { bodyLimit: 'number' })
  const receiving = receivingBy(options)
  const overFetch = mountFetch(participant, options)
  return async (context, next) => {
    const incoming = incomingOf(context.env)
    if (incoming === undefined) return (await overFetch(context.req.raw)) ?? passOn(next)
    if (!participant.paths.includes(pathOf(incoming.url ?? ''))) return passOn(next)
    const connection = connectionOfRequest(context.req.raw)
    const answered = await answer(participant, async () => ({
      ...(await receiveNode(incoming, receiving)),
      connection,
    }))
    return framed(answered, context.req.raw.method)
  }
}

/** How requests are received; frozen, so that httpsig checks it once and not for each request. */
function receivingBy({ bodyLimit = defaultBodyLimit }: MountOptions): { readonly bodyLimit: number } {
  return Object.freeze({ bodyLimit })
}

async function passOn(next: () => Promise<void>): Promise<undefined> {
  await next()
}

function incomingOf(env: unknown): IncomingMessage | undefined {
  if (typeof env !== 'object' || env === null || !('incoming' in env)) return undefined
  const { incoming } = env as { readonly incoming?: IncomingMessage }
  return incoming !== undefined && 'rawHeaders' in incoming ? incoming : undefined
}

/** The platform sends what a response says of its length, right or wrong. */
function framed(response: Response, method: string): Response {
  const isEmpty = (): boolean => response.body === null
  try {
    frameHead(response, method, isEmpty)
    return response
  } catch {
    // The headers of a response that comes from fetch() are immutable.
    const copy = new Response(response.body, response)
    frameHead(copy, method, isEmpty)
    return copy
  }
}

async function answer(participant: Participant, receive: () => Promise<ReceivedMessage>): Promise<Response> {
  try {
    return await participant.handle(await receive())
  } catch (thrown) {
    const error = asAAuthError(thrown)
    // Not a fault of the caller: the site's own error handling must see it.
    if (error.code === 'server_error') throw thrown
    return errorResponse(error)
  }
}
