import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError } from '@countersign/protocol'
import type { Guarded } from '@countersign/resource'
import type { Session } from '../session/sessions.js'
import type { RecentEvents, SentEvent } from './events.js'
import type { Pending, Purpose } from './requests.js'
import { isEventStream, watchedBody } from './watched-body.js'

/** What the SDK calls the stream of what belongs to no request. */
export const standalone = '_GET_stream'

/** Clients before this cannot read an event without data. */
const primed = '2025-11-25'

const encoder = new TextEncoder()

/**
 * The event after which a stream is to go on.
 * @throws AAuthError where there are two
 */
export function lastEventOf(message: ReceivedMessage): string | undefined {
  if (message.method !== 'GET') return undefined
  const [id, ...more] = headerValues(message, 'last-event-id')
  if (more.length > 0) throw new AAuthError('invalid_request', 'Last-Event-ID is there more than once')
  return id === '' ? undefined : id
}

/** The rest of a stream to which nothing will be added: the SDK would keep it open. 204, after its end, tells the client so. */
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

/** What a stream is part of. */
export interface Lasting<S extends string> {
  readonly message: ReceivedMessage
  readonly session: Session<{ readonly events: RecentEvents<Purpose<S>> }>
  /** Holds the session open, until what this returns is called. */
  readonly enter: () => () => void
  readonly aauth: Guarded
  /** The request that it answers. */
  readonly pending: Pending<S> | undefined
  readonly streamSeconds: number
  readonly now: () => number
}

/** A stream lasts as long as what has opened it; its session is in use meanwhile. */
export async function lastingStream<S extends string>(response: Response, of: Lasting<S>): Promise<Response> {
  const { session, aauth, pending, streamSeconds, now } = of
  const { status, headers, body } = response
  if (body === null || !isEventStream(response)) return response
  const first = await primingEvent(of)
  const over = of.enter()
  const seconds = Math.min((aauth.expires ?? Number.POSITIVE_INFINITY) - now(), streamSeconds)
  let isNoted = pending === undefined
  return new Response(
    watchedBody(body, {
      seconds,
      ended() {
        over()
      },
      passing(chunk) {
        if (isNoted || pending === undefined) return
        // Before its reader knows an event, nobody can go on after it.
        const [, id] = /^id: (.+)$/m.exec(new TextDecoder().decode(chunk)) ?? []
        if (id === undefined) return
        isNoted = true
        session.value.events.note(id, pending.purpose)
      },
      ...(first === undefined ? {} : { first: encoder.encode(`id: ${first}\ndata: \n\n`) }),
    }),
    { status, headers: new Headers(headers) },
  )
}

/** Says where a stream begins that is opened by GET, or what comes after it ends before its first event would be lost. */
async function primingEvent<S extends string>({ message, session }: Lasting<S>): Promise<string | undefined> {
  const [version = ''] = headerValues(message, 'mcp-protocol-version')
  if (message.method !== 'GET' || version < primed) return undefined
  return lastEventOf(message) ?? session.value.events.storeEvent(standalone, {} as never)
}
