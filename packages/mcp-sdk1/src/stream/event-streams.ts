import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { isEventStream, watchedBody } from '@countersign/mcp/internal'
import { refusal } from '@countersign/protocol/internal'
import type { Guarded } from '@countersign/resource'
import type { Session } from '../session/sessions.js'
import type { RecentEvents, SentEvent } from './events.js'
import type { Pending, Purpose } from './requests.js'

/** The SDK's id of the stream for messages that belong to no request. */
export const standalone = '_GET_stream'

/** The first protocol version whose clients can read an event without data. */
const primed = '2025-11-25'

const encoder = new TextEncoder()

/**
 * The event after which a stream is to be resumed.
 * @throws AAuthError `invalid_request` when there are two
 */
export function lastEventOf(message: ReceivedMessage): string | undefined {
  if (message.method !== 'GET') return undefined
  const [id, ...more] = headerValues(message, 'last-event-id')
  if (more.length > 0) throw refusal('event_unknown', { about: 'it must not be repeated' })
  return id === '' ? undefined : id
}

/**
 * The rest of a stream that has ended; the SDK would keep it open. A stream without a rest is 204, which tells the client to resume
 * it no more.
 */
export function finishedStream(message: ReceivedMessage, events: RecentEvents): Response | undefined {
  const last = lastEventOf(message)
  const rest = last === undefined ? undefined : events.restAfter(last)
  if (rest === undefined) return undefined
  const headers = { 'cache-control': 'no-cache, no-transform' }
  if (rest.length === 0) return new Response(null, { status: 204, headers })
  return new Response(rest.map(asText).join(''), { headers: { ...headers, 'content-type': 'text/event-stream' } })
}

function asText({ id, message }: SentEvent): string {
  return `event: message\nid: ${id}\ndata: ${JSON.stringify(message)}\n\n`
}

/** The request and session of a stream. */
export interface StreamContext<S extends string> {
  readonly message: ReceivedMessage
  readonly session: Session<{ readonly events: RecentEvents<Purpose<S>> }>
  /** Marks the session as in use, until the returned function is called. */
  readonly enter: () => () => void
  readonly aauth: Guarded
  /** The request that the stream answers. */
  readonly pending: Pending<S> | undefined
  readonly streamSeconds: number
  readonly now: () => number
}

/** Ends a stream with the token of the request that opened it; its session is in use until then. */
export async function limitStream<S extends string>(response: Response, of: StreamContext<S>): Promise<Response> {
  const { session, aauth, pending, streamSeconds, now } = of
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  const first = await primingEvent(of)
  const leave = of.enter()
  const seconds = Math.min((aauth.expires ?? Number.POSITIVE_INFINITY) - now(), streamSeconds)
  let isNoted = pending === undefined
  return new Response(
    watchedBody(body, {
      seconds,
      ended: leave,
      passing(chunk) {
        if (isNoted || pending === undefined) return
        // A stream can be resumed only after an event that its reader has seen.
        const [, id] = /^id: (.+)$/m.exec(new TextDecoder().decode(chunk)) ?? []
        if (id === undefined) return
        isNoted = true
        session.value.events.note(id, pending.purpose)
        // A response that was held back begins when its request is cancelled: its stream was not known by then.
        if (pending.isCancelled) session.value.events.close(pending.purpose)
      },
      first: first === undefined ? undefined : encoder.encode(`id: ${first}\ndata: \n\n`),
    }),
    { status, headers: new Headers(headers) },
  )
}

/** The event at the beginning of a stream opened by GET: after it the client can resume a stream that ended without an event. */
async function primingEvent<S extends string>({ message, session }: StreamContext<S>): Promise<string | undefined> {
  const [version = ''] = headerValues(message, 'mcp-protocol-version')
  if (message.method !== 'GET' || version < primed) return undefined
  return lastEventOf(message) ?? session.value.events.storeEvent(standalone, {} as never)
}
