import { IncomingMessage } from 'node:http'
import { checkTarget, pathOf, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, asAAuthError } from '@countersign/protocol'
import type { AnswerHead, Resource } from '@countersign/resource'
import type { Participant, Upgraded } from '@countersign/server'
import { checkGatewayOptions } from './check-routes.js'
import { checkConnection, droppedHeaders, requestHeaders, responseHeaders } from './forwarded-headers.js'
import { type Line, type Teller, tellerOf } from './identity.js'
import type { Judges } from './judged.js'
import { askBeside } from './mcp-names.js'
import { type McpSessions, mcpSessions } from './mcp-route.js'
import type { GatewayOptions } from './options.js'
import { judge, telling } from './routed.js'
import { openUpstream, retryAfter, type Upstream, type UpstreamRequest } from './upstream.js'
import { checkHandshake, checkSwitch, type Handshake, handshakeHeaders } from './websocket.js'

/** A gateway as a server runs it. */
export interface Gateway<S extends string = string> extends Participant {
  upgrade(message: ReceivedMessage): Promise<Response | Upgraded>
  /**
   * From now on requests are judged and passed on as these options say, all at once; those under way go on as they began.
   * Give the new resource the `replay`, `counter` and `discovery` of the old one, or it knows nothing of what that one has seen.
   * @throws TypeError for options that are wrong; then everything stays as it was
   */
  reload(options: GatewayOptions<S>): void
}

/**
 * Makes a reverse proxy that guards an API which knows nothing of AAuth.
 *
 * The API learns who is calling from `AAuth-Level`, `AAuth-Agent`, `AAuth-Delegate`, `AAuth-User` (the subject at
 * `AAuth-Issuer`), `AAuth-Scope`, `AAuth-Issuer` and `AAuth-Key` (thumbprint of the key that signed), in printable ASCII with
 * all else percent-encoded, or from one JWT ({@link Identity}); and where from by `X-Forwarded-For`, `-Host` and `-Proto`. It
 * must be reachable through the gateway only. A WebSocket is judged by its handshake.
 * A resource that only observes lets everything through, without any of the facts, also what no route is for; a target, or a
 * `Connection`, that two servers could read differently is refused even then. Where the API has keys of its own at `jwksPath`, they
 * are then what is found there.
 * @throws TypeError for a route or an upstream that is wrong
 * @see protocol §3.3, §4
 */
export function createGateway<S extends string>(options: GatewayOptions<S>): Gateway<S> {
  const sessions = mcpSessions(options.now ?? seconds)
  let current = configure(options, sessions)
  const asked = async (message: ReceivedMessage): Promise<Response | Passed<S>> => {
    const configured = current
    const { resource } = configured
    telling(resource, message, checkTarget)
    telling(resource, message, checkConnection)
    // Before the routes: a page asks with OPTIONS, which most of them do not have.
    const answer = resource.cors?.preflight(message) ?? (await published(message, configured))
    return answer ?? passage(message, configured)
  }
  return {
    async handle(message) {
      const passed = await asked(message)
      if (passed instanceof Response) return passed
      const answer = await answerOf(passed.upstream, passed.request, message)
      passed.finish(answer)
      return passed.through(answer)
    },
    judgeHead: head => current.routes.judgeHead(head),
    async upgrade(message) {
      const handshake = telling(current.resource, message, checkHandshake)
      const passed = await asked(message)
      return passed instanceof Response ? passed : switched(passed, handshake)
    },
    reload(next) {
      const configured = configure(next, sessions)
      current.upstream.retire()
      current = configured
    },
    refused: (request, error) => current.resource.refused(request, error),
    async ready() {
      // First: a request that was signed before is refused, whether the API behind is there or not.
      await current.resource.ready()
      await current.upstream.check()
    },
    close: async () => current.upstream.close(),
  }
}

/** What one set of options comes to. */
interface Configured<S extends string> {
  readonly resource: Resource<S>
  readonly upstream: Upstream
  readonly teller: Teller
  readonly routes: Judges<S>
  readonly drop: ReadonlySet<string>
}

function seconds(): number {
  return Date.now() / 1000
}

function configure<S extends string>(options: GatewayOptions<S>, sessions: McpSessions): Configured<S> {
  checkGatewayOptions(options)
  const { resource, timeout = 60, healthPath, identity = 'headers', dropHeaders = [], now = seconds } = options
  return {
    resource,
    teller: tellerOf({ identity, id: resource.id, now }),
    routes: judge(resource, options.routes, { sessions, now }),
    drop: droppedHeaders(dropHeaders),
    upstream: openUpstream({
      origin: options.upstream,
      timeout,
      ...(healthPath === undefined ? {} : { healthPath }),
      ...(options.onUpstream === undefined ? {} : { onState: options.onUpstream }),
    }),
  }
}

/** A request that may go upstream. */
interface Passed<S extends string> {
  readonly configured: Configured<S>
  readonly upstream: Upstream
  readonly request: UpstreamRequest
  /** Sets on the answer what belongs on a guarded one. */
  finish(answer: AnswerHead): void
  /** What the caller gets of the answer. */
  through(response: Response): Response
}

async function passage<S extends string>(
  message: ReceivedMessage,
  configured: Configured<S>,
): Promise<Response | Passed<S>> {
  const { resource, teller, upstream } = configured
  const { authorization, requirement, before, through = response => response } = await configured.routes.judge(message)
  if (!authorization.ok) return authorization.response
  // Its head was refused by the options before a reload: what has no body here may have one.
  if (message.dangerouslyUnseenBody)
    throw new AAuthError('temporarily_unavailable', 'the configuration has changed', { retryAfter: 1 })
  const facts = authorization.observed ? [] : await teller.tell(authorization.aauth, message)
  const request = forwarded(message, facts, configured)
  await before?.(askBeside(request, upstream.send)).catch((thrown: unknown) => {
    resource.refused(message, asAAuthError(thrown))
    throw thrown
  })
  return {
    configured,
    upstream,
    request,
    finish: answer => resource.responseHeaders(answer, requirement, message),
    through,
  }
}

/**
 * What the resource answers itself. While it only observes, answers are left as they are: whoever verifies the tokens of an API that
 * issues some must find its keys, and not those of the gateway.
 */
async function published<S extends string>(
  message: ReceivedMessage,
  configured: Configured<S>,
): Promise<Response | undefined> {
  const { resource, upstream } = configured
  const ours = await resource.handle(message)
  const isOfKeys = pathOf(message.target) === resource.jwksPath
  if (resource.observed === undefined || !isOfKeys || ours?.status !== 200) return ours
  const theirs = await answerOf(upstream, forwarded(message, [], configured), message)
  if (theirs.status < 400) return theirs
  await theirs.body?.cancel()
  return ours
}

/** A request as it goes upstream, without its body. */
function forwarded(
  message: ReceivedMessage,
  facts: readonly Line[],
  { resource, drop }: Pick<Configured<string>, 'resource' | 'drop'>,
): UpstreamRequest {
  const { method, target } = message
  const called = { id: resource.id, from: resource.clientOf(message), drop }
  return { method, target, headers: requestHeaders(message, facts, called) }
}

async function answerOf(
  upstream: Upstream,
  request: UpstreamRequest,
  { method, body }: ReceivedMessage,
): Promise<Response> {
  return responseOf(await upstream.send({ ...request, ...(body === undefined ? {} : { body }) }), method)
}

/** Asks the API behind to change the protocol, and says what it said. */
async function switched<S extends string>(passed: Passed<S>, handshake: Handshake): Promise<Response | Upgraded> {
  const { request, upstream, finish } = passed
  const headers = [...request.headers, ...handshakeHeaders]
  const answer = await upstream.upgrade({ ...request, headers })
  if (answer instanceof IncomingMessage) {
    const response = responseOf(answer, request.method)
    finish(response)
    return response
  }
  const { socket, head, response } = answer
  checkSwitch(response, handshake, socket)
  const kept = responseHeaders(response.rawHeaders)
  finish({ status: 101, headers: kept })
  return { headers: [...kept, ...handshakeHeaders], socket, head }
}

const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

function responseOf(answer: IncomingMessage, method: string): Response {
  const status = answer.statusCode ?? 0
  if (status < 200 || status > 599) {
    answer.destroy()
    throw new AAuthError('temporarily_unavailable', 'the API behind this gateway answered with no known status', {
      retryAfter: retryAfter(method),
    })
  }
  const headers = responseHeaders(answer.rawHeaders)
  if (method === 'HEAD' || bodiless.has(status)) {
    answer.resume()
    return new Response(null, { status, headers })
  }
  return new Response(streamOf(answer), { status, headers })
}

/** The answer as it comes, piece by piece; when the caller goes away, so does the request upstream. */
function streamOf(answer: IncomingMessage): ReadableStream<Uint8Array> {
  const pieces = answer[Symbol.asyncIterator]()
  return new ReadableStream({
    async pull(controller) {
      const piece = await pieces.next()
      if (piece.done) controller.close()
      else controller.enqueue(piece.value)
    },
    cancel() {
      answer.destroy()
    },
  })
}
