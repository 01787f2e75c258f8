import { AgentError } from '../error.js'
import { purposesText } from '../grant/grants.js'
import { type BoundedRead, readBounded } from '../wire/body.js'
import { untilAborted } from '../wire/single-flight.js'

/** A request with its body in memory, so that it can be signed, and sent again after a challenge. */
export interface Outgoing {
  readonly method: string
  readonly url: URL
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array<ArrayBuffer> | undefined
  /** The redirect mode of the caller; `follow` follows within the origin only. */
  readonly redirect: RequestRedirect
  readonly signal?: AbortSignal | undefined
  /** What the call is for, sorted, with single spaces. */
  readonly purposes: string | undefined
  /** The other options that the caller gave to `fetch`, passed on unchanged. */
  readonly init: RequestInit
}

/** The options of `agent.fetch`: those of `fetch`, and its own. */
export interface AgentRequestInit extends RequestInit {
  /** Names of what the call is for, from the resource's metadata. Default: those of the agent. @see protocol §9.1 */
  readonly purposes?: readonly string[]
}

const copiedMembers = ['cache', 'credentials', 'integrity', 'keepalive', 'mode', 'referrer', 'referrerPolicy'] as const

/** What reading a request needs. */
export interface OutgoingContext {
  readonly bodyLimit: number
  /** The purposes of calls that name none. */
  readonly purposes: string | undefined
}

/**
 * Reads the arguments of `fetch` into a request that can be sent more than once.
 * @throws TypeError for a URL that is not http(s), and for headers that only the agent may set
 * @throws AgentError `body_too_large`; the reason of the signal once it is aborted
 */
export async function readOutgoing(
  input: string | URL | Request,
  given: AgentRequestInit | undefined,
  { bodyLimit, purposes: usual }: OutgoingContext,
): Promise<Outgoing> {
  const { purposes, ...init } = given ?? {}
  const request = new Request(input, withDuplex(init))
  const url = parseBareUrl(request.url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError('agent.fetch takes http and https URLs')
  for (const name of request.headers.keys()) refuseReservedHeader(name)
  const signal = signalOf(input, init)
  signal?.throwIfAborted()
  const own = init.body instanceof ReadableStream
  const body = await readBody(request, bodyLimit, { signal, rest: own ? 'cancel' : 'leave' })
  const headers = [...request.headers]
  // A signed body must have a type (protocol §3.3); a body without one is sent as bytes.
  if (body !== undefined && !request.headers.has('content-type'))
    headers.push(['content-type', 'application/octet-stream'])
  const copied = input instanceof Request ? Object.fromEntries(copiedMembers.map(name => [name, input[name]])) : {}
  return {
    method: request.method,
    url,
    headers,
    body,
    redirect: request.redirect,
    signal,
    purposes: purposesText(purposes) ?? usual,
    init: { ...copied, ...init },
  }
}

/** Node needs `duplex` for a stream as body; the agent buffers bodies, so callers need not set it. */
function withDuplex(init: RequestInit): RequestInit {
  return init.body instanceof ReadableStream ? Object.assign({ duplex: 'half' }, init) : init
}

function signalOf(input: string | URL | Request, init: RequestInit): AbortSignal | undefined {
  const signal = init.signal === undefined && input instanceof Request ? input.signal : init.signal
  return signal ?? undefined
}

function refuseReservedHeader(name: string): void {
  if (name.startsWith('signature') || name === 'content-digest' || name === 'agent-interaction')
    throw new TypeError(`${name} is set by the agent`)
}

/** Parses a URL without its fragment, which is never sent, and without a `?` alone, which proxies drop or keep (protocol §3.3). */
export function parseBareUrl(text: string, base?: URL): URL {
  const url = new URL(text, base)
  url.hash = ''
  if (url.search === '') url.search = ''
  return url
}

async function readBody(
  request: Request,
  bodyLimit: number,
  read: BoundedRead,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = await untilAborted(readBounded(request, bodyLimit, read), read.signal)
  if (bytes !== undefined) return bytes.byteLength === 0 ? undefined : bytes
  throw new AgentError('body_too_large', 'the request body is larger than bodyLimit', { bodyLimit })
}
