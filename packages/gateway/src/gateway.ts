import { IncomingMessage } from 'node:http'
import { type ReceivedMessage, readBody } from '@countersign/httpsig'
import { checkTarget, pathOf } from '@countersign/httpsig/internal'
import {
  type AnswerHead,
  type Authorization,
  type Resource,
  revocableResponse,
  type WhileOpen,
} from '@countersign/resource'
import { shownResponse } from '@countersign/resource/internal'
import type { Participant, Relayed, Upgraded } from '@countersign/server'
import { endWhenRevoked, relayed, responseOf } from './answer.js'
import { answerHeaders } from './answer-headers.js'
import { checkGatewayOptions } from './check-routes.js'
import { askingWhole, checkConnection, droppedHeaders, requestHeaders } from './forwarded-headers.js'
import { type HeaderRules, headerRules } from './header-rules.js'
import { type Line, type Teller, tellerOf } from './identity.js'
import type { Judge, Judged } from './judged.js'
import { type McpSessions, mcpSessions } from './mcp-enter.js'
import { askBeside } from './mcp-names.js'
import type { GatewayOptions } from './options.js'
import { checkAndReport, reporting } from './reporting.js'
import { createJudge } from './routed.js'
import { openUpstream, type Upstream, type UpstreamRequest } from './upstream.js'
import { checkHandshake, checkSwitch, type Handshake, handshakeHeaders } from './websocket.js'

/** A gateway as a server runs it. */
export interface Gateway<S extends string = string> extends Participant {
  relay(message: ReceivedMessage): Promise<Response | Relayed>
  upgrade(message: ReceivedMessage): Promise<Response | Upgraded>
  /**
   * Judges and forwards all later requests by these options; requests under way keep the old ones.
   * Give the new resource the `replay`, `counter` and `discovery` of the old one: without them it recognises no replays and starts
   * its limits anew.
   * @throws TypeError for invalid options; then the old options stay in force
   */
  reload(options: GatewayOptions<S>): void
}

/**
 * Makes a reverse proxy that guards an API which does not speak AAuth.
 *
 * The API gets the caller in `AAuth-Level`, `AAuth-Agent`, `AAuth-Delegate`, `AAuth-User` (the subject at
 * `AAuth-Issuer`), `AAuth-Scope`, `AAuth-Issuer` and `AAuth-Key` (thumbprint of the key that signed), in printable ASCII with
 * all else percent-encoded, or in one JWT ({@link Identity}); and its address in `X-Forwarded-For`, `-Host` and `-Proto`. The API
 * must be reachable through the gateway only. A WebSocket is judged by its handshake.
 * A resource that only observes lets all requests through, without facts, even those that match no route. A target or a
 * `Connection` that two servers could read differently is refused even then. If the API has its own keys at `jwksPath`, callers get
 * those while it only observes.
 * @throws TypeError for an invalid route or upstream
 * @see protocol §3.3, §4
 * @example
 * ```ts
 * import { createGateway } from '@countersign/gateway'
 * import type { Resource } from '@countersign/resource'
 * import { serve } from '@countersign/server'
 *
 * declare const resource: Resource // made by createResource
 * const gateway = createGateway({
 *   resource,
 *   upstream: 'http://127.0.0.1:8080',
 *   routes: [{ path: '/*', requirement: { level: 'identified' } }],
 * })
 * await serve({ name: 'gateway', id: 'https://api.example', port: 8443, participant: gateway })
 * ```
 */
export function createGateway<S extends string>(options: GatewayOptions<S>): Gateway<S> {
  const sessions = mcpSessions(options.now ?? seconds)
  let current = configure(options, sessions)
  const asked = async (received: ReceivedMessage): Promise<Response | Passed<S>> => {
    const configured = current
    const { resource } = configured
    checkAndReport(resource, received, checkTarget)
    checkAndReport(resource, received, asked => checkConnection(asked, configured.rules))
    // A request that is only observed is forwarded with its body, whatever is judged of it.
    const message =
      resource.observed === undefined ? received : await readBody(received).catch(reporting(resource, received))
    // Before the routes: preflights are OPTIONS, a method that most routes do not have.
    const answer = resource.cors?.preflight(message)
    if (answer !== undefined) return answer
    const own = resource.paths.includes(pathOf(message.target)) ? await published(message, configured) : undefined
    return own ?? (await passage(message, configured))
  }
  const relay = async (message: ReceivedMessage): Promise<Response | Relayed> => {
    const passed = await asked(message)
    return passed instanceof Response ? passed : orLeave(passed.leave, () => answered(passed))
  }
  return {
    relay,
    async handle(message) {
      const answer = await relay(message)
      return answer instanceof Response ? answer : responseOf(answer)
    },
    async upgrade(message) {
      const handshake = checkAndReport(current.resource, message, checkHandshake)
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
      // The resource first: while it is not ready, a request signed before the start is refused, even if the API answers.
      await current.resource.ready()
      await current.upstream.check()
    },
    close: async () => current.upstream.close(),
  }
}

/** The parts that are made from one set of options. */
interface Configured<S extends string> {
  readonly resource: Resource<S>
  readonly upstream: Upstream
  readonly teller: Teller
  readonly judge: Judge<S>
  readonly rules: HeaderRules
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
    judge: createJudge(resource, options.routes, { sessions, handling: { answers: 'projected' }, now }),
    rules: headerRules(droppedHeaders(dropHeaders)),
    upstream: openUpstream({
      origin: options.upstream,
      timeout,
      healthPath,
      onState: options.onUpstream,
    }),
  }
}

/** A request that may be forwarded. */
interface Passed<S extends string> {
  readonly configured: Configured<S>
  readonly request: UpstreamRequest
  /** Sets the headers of a guarded response. */
  finish(answer: AnswerHead): void
  /** Filters the response for the caller; undefined where it goes out as it is. */
  readonly through: ((response: Response) => Promise<Response>) | undefined
  /** Gives back what the request holds, where it gets no response. */
  readonly leave: (() => void) | undefined
  /** Ends the response or the WebSocket when its grant is revoked. */
  readonly whileOpen: WhileOpen | undefined
}

async function passage<S extends string>(
  message: ReceivedMessage,
  configured: Configured<S>,
): Promise<Response | Passed<S>> {
  const judged = await configured.judge(message)
  const { authorization, leave } = judged
  if (!authorization.ok) return authorization.response
  return orLeave(leave, () => forwarding({ judged, authorization }, configured))
}

/** What the work gives; where it fails, what the request holds is given back. */
async function orLeave<T>(leave: (() => void) | undefined, work: () => Promise<T>): Promise<T> {
  if (leave === undefined) return work()
  try {
    return await work()
  } catch (thrown) {
    leave()
    throw thrown
  }
}

interface Allowed<S extends string> {
  readonly judged: Judged<S>
  readonly authorization: Authorization & { readonly ok: true }
}

async function forwarding<S extends string>(
  { judged, authorization }: Allowed<S>,
  configured: Configured<S>,
): Promise<Passed<S>> {
  const { resource, teller, upstream } = configured
  const { requirement, before, leave } = judged
  const { message } = authorization
  const facts = authorization.observed ? noFacts : await teller.tell(authorization.aauth, message)
  const { answer, whileOpen } = authorization
  const asked = forwarded(message, facts, configured)
  const request = answer === undefined ? asked : { ...asked, headers: askingWhole(asked.headers) }
  if (before !== undefined) await before(askBeside(request, upstream.send)).catch(reporting(resource, message))
  return {
    configured,
    request,
    finish: answer => resource.responseHeaders(answer, requirement, message),
    through: judged.through ?? (answer && (response => shownResponse(response, authorization, message.method))),
    leave,
    // What is shown in part was read by now.
    whileOpen: answer === undefined ? whileOpen : undefined,
  }
}

const noFacts: readonly Line[] = []

/**
 * The response of the resource to a request for one of its own documents. While it only observes, the API answers where it has a
 * document: verifiers of tokens that the API issues must find its keys and not those of the gateway.
 */
async function published<S extends string>(
  message: ReceivedMessage,
  configured: Configured<S>,
): Promise<Response | undefined> {
  const { resource } = configured
  const ours = await resource.handle(message)
  const isOfKeys = pathOf(message.target) === resource.jwksPath
  if (resource.observed === undefined || !isOfKeys || ours?.status !== 200) return ours
  const request = forwarded(message, [], configured)
  const theirs = relayed(await configured.upstream.send(request), request.method, configured.rules)
  if (theirs.status < 400) return responseOf(theirs)
  theirs.body?.destroy()
  return ours
}

/** The request for the upstream. */
function forwarded(
  message: ReceivedMessage,
  facts: readonly Line[],
  { resource, rules }: Pick<Configured<string>, 'resource' | 'rules'>,
): UpstreamRequest {
  const { method, target, body } = message
  const called = { id: resource.id, from: resource.clientOf(message), rules }
  return { method, target, headers: requestHeaders(message, facts, called), body, caller: message.connection }
}

/** The answer of the API to a request that may be forwarded, as far as its caller may see it. */
async function answered<S extends string>({
  configured: { upstream, rules },
  request,
  through,
  finish,
  whileOpen,
}: Passed<S>): Promise<Response | Relayed> {
  const answer = relayed(await upstream.send(request), request.method, rules)
  if (through === undefined) {
    finish(answer)
    if (whileOpen !== undefined) endWhenRevoked(answer, whileOpen)
    return answer
  }
  // Before the body is judged: it is read here, and must not go on after its grant.
  const response = await through(responseOf(answer))
  finish(response)
  return whileOpen === undefined ? response : revocableResponse(response, whileOpen)
}

/** Sends the handshake to the API, and returns its connection or its response. */
async function switched<S extends string>(passed: Passed<S>, handshake: Handshake): Promise<Response | Upgraded> {
  const { configured, request, finish, whileOpen } = passed
  const { upstream, rules } = configured
  const headers = [...request.headers, ...handshakeHeaders]
  const answer = await upstream.upgrade({ ...request, headers })
  if (answer instanceof IncomingMessage) {
    const response = responseOf(relayed(answer, request.method, rules))
    finish(response)
    return response
  }
  const { socket, head, response } = answer
  checkSwitch(response, handshake, socket)
  const kept = answerHeaders(response.rawHeaders, rules)
  finish({ status: 101, headers: kept })
  if (whileOpen !== undefined)
    socket.once(
      'close',
      whileOpen(() => socket.destroy()),
    )
  return { headers: [...kept, ...handshakeHeaders], socket, head }
}
