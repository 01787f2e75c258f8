import { randomText } from '@countersign/httpsig/internal'
import {
  type Answer,
  isAnswer,
  isResult,
  type Lost,
  type Params,
  type RpcRequest,
} from '@countersign/mcp/internal/client'
import { type Envelope, statelessRevision, withEnvelope } from './envelope.js'
import type { Connect, RemoteTransport } from './transport.js'
import { statusOf, unanswered } from './undelivered.js'

/** What is known of a server, with a way to it. */
export interface Found {
  /** The answer to `server/discover`; undefined for a server with sessions. */
  readonly discovered: Params | undefined
  /** Connects to the server; the first time by the transport that has found out. */
  readonly connect: Connect
}

/** How long a server may be silent. */
export interface Patience {
  /** Seconds until its answer. The time in which the user is asked does not count. */
  readonly seconds: number
  readonly isAskingUser: () => boolean
  /** Waits a number of seconds, or until the signal aborts. */
  readonly sleep: (seconds: number, signal: AbortSignal) => Promise<void>
}

/** How to find out. */
export interface Finding {
  readonly connect: Connect
  readonly envelope: Envelope
  readonly patience: Patience
  /** Ends it. */
  readonly signal: AbortSignal
}

/**
 * Finds out which revision a server speaks: one without sessions answers `server/discover`. For every other answer it is one with
 * sessions, unless it refuses the caller or fails.
 * @throws Error when that is unknown: the server refuses the caller, cannot be reached, fails, or does not answer in time
 */
export async function findRevision({ connect, envelope, patience, signal }: Finding): Promise<Found> {
  let lost: (what: Lost) => void = () => undefined
  const transport = connect(what => lost(what))
  const request: RpcRequest = {
    jsonrpc: '2.0',
    id: `countersign-${randomText()}`,
    method: 'server/discover',
    params: withEnvelope(undefined, envelope),
  }
  const over = new AbortController()
  let fail: (cause?: unknown) => void = () => undefined
  const answered = new Promise<Answer>((resolve, reject) => {
    fail = cause => reject(cause instanceof Error ? cause : unanswered())
    signal.addEventListener('abort', fail, { once: true })
    transport.onmessage = message => {
      // A server that cannot read the request answers it without its id.
      if (isAnswer(message) && (message.id ?? request.id) === request.id) resolve(message)
    }
    transport.onclose = fail
    // An answer in the last bytes of a stream may still be in the parser.
    lost = what => void ('id' in what && what.id === request.id && setTimeout(fail, 100, what.cause))
  })
  answered.catch(() => undefined)
  try {
    const asked = transport.start().then(() => transport.send(request, { requestSignal: over.signal }))
    const answer = await Promise.race([asked.then(() => answered), answered, silence(patience, over.signal)])
    const discovered = isResult(answer) && speaksStateless(answer.result) ? answer.result : undefined
    return { discovered, connect: startedFirst(transport, connect, take => (lost = take)) }
  } catch (error) {
    if (isOldAnswer(statusOf(error)))
      return { discovered: undefined, connect: startedFirst(transport, connect, take => (lost = take)) }
    // Not awaited: a transport that does not answer may not close either.
    transport.close().catch(() => undefined)
    throw error
  } finally {
    // Ends the wait; and the request, where it was given up: its agent must not go on, nor ask its user.
    over.abort()
    signal.removeEventListener('abort', fail)
  }
}

/** @throws Error when the server has been silent for too long, or the signal ends the wait */
async function silence({ seconds, isAskingUser, sleep }: Patience, signal: AbortSignal): Promise<never> {
  for (let silent = 0; silent < seconds; ) {
    const step = Math.min(1, seconds - silent)
    await sleep(step, signal)
    if (signal.aborted) break
    // The answer of the user is followed by requests of the agent: the server has its time once more.
    silent = isAskingUser() ? 0 : silent + step
  }
  throw new Error(
    `the server did not answer in ${seconds} s: the bridge sent it server/discover, to find out which revision of MCP it speaks. The next request tries again`,
  )
}

function speaksStateless({ supportedVersions }: Params): boolean {
  return Array.isArray(supportedVersions) && supportedVersions.includes(statelessRevision)
}

/** Whether an HTTP status says that there is no such message: a refused caller gets others, and a server that fails. */
function isOldAnswer(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && ![401, 403, 407, 408, 429].includes(status)
}

/** Connects by a transport that has started, and then as before. */
function startedFirst(
  transport: RemoteTransport,
  connect: Connect,
  take: (lost: (what: Lost) => void) => void,
): Connect {
  let first: RemoteTransport | undefined = transport
  return onLost => {
    if (first === undefined) return connect(onLost)
    first = undefined
    take(onLost)
    const start = transport.start
    transport.start = async () => {
      transport.start = start
    }
    return transport
  }
}
