import { headerValues, type ReceivedMessage, readBody } from '@countersign/httpsig'
import { checkTarget, isSigned } from '@countersign/httpsig/internal'
import { type AAuthError, errorResponse } from '@countersign/protocol'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import type { Resource, RouteHandling } from '@countersign/resource'
import type { Participant } from '@countersign/server'
import { checkCheckOptions } from './check-routes.js'
import { asksForAnother, claimsIn } from './forwarded-headers.js'
import { plainName } from './header-rules.js'
import { tellerOf } from './identity.js'
import type { Judged } from './judged.js'
import { mcpSessions } from './mcp-enter.js'
import type { CheckOptions } from './options.js'
import { checkAndReport } from './reporting.js'
import { createJudge, refuseAlways, refuseUnrouted } from './routed.js'

const checkPath = '/check'

/** A check as a server runs it. */
export interface Check<S extends string = string> extends Participant {
  /**
   * Judges all later requests by these options. Give the new resource the `replay`, `counter` and `discovery` of the old one:
   * without them it recognises no replays and starts its limits anew.
   * @throws TypeError for invalid options; then the old options stay in force
   */
  reload(options: CheckOptions<S>): void
}

/**
 * Judges requests for a proxy that forwards them itself. At `/check` it answers 200, with the facts in the headers that a gateway
 * would send, or the refusal. The response has every header of the facts, an empty one for each unknown fact, so that it replaces a
 * header that the caller sent under that name. Headers that no response header replaces (`AAuth_User`, `X-HTTP-Method-Override`)
 * are refused. The resource's own paths are answered, too.
 * A resource that only observes lets all requests pass, with those headers empty. Refused even then are a target that two servers
 * could read differently, and a header that the API could take for a fact and that no response header replaces.
 * Only the proxy may reach the check: others could send captured requests to it and use them up.
 * @throws TypeError for an invalid route, a resource with `cors` (the proxy answers pages), `seen` with nginx (it sends no bodies)
 * @see protocol §3.3, §4
 */
export function createCheck<S extends string>(options: CheckOptions<S>): Check<S> {
  let current = configure(options)
  return {
    handle: message => current.handle(message),
    refused: (request, error) => current.refused(request, error),
    ready: () => current.ready(),
    reload(next) {
      current = configure(next)
    },
  }
}

function configure<S extends string>(
  options: CheckOptions<S>,
): Pick<Resource, 'refused' | 'ready'> & Pick<Participant, 'handle'> {
  checkCheckOptions(options)
  checkTogether(options)
  const { resource, proxy, bodies = 'refuse', identity = 'headers', now = () => Date.now() / 1000 } = options
  const judge = createJudge(resource, options.routes, {
    sessions: mcpSessions(now),
    handling: handlingOf(bodies),
    now,
  })
  const teller = tellerOf({ identity, id: resource.id, now })
  const decide = async ({ message, fault }: Inspected): Promise<Judged<S>> => {
    if (fault === undefined) return judge(message)
    const refuse = fault.lasting ? refuseAlways : refuseUnrouted
    return { requirement: {}, authorization: refuse(message, fault, resource) }
  }
  const answerCheck = async (asked: ReceivedMessage): Promise<Response> => {
    const inspected = inspect(proxy === 'nginx' ? originalOf(asked) : withoutPrefix(asked), {
      proxy,
      bodies,
      names: teller.names,
    })
    const { message, claims } = inspected
    const { authorization, requirement } = await decide(inspected)
    if (!authorization.ok) return authorization.response
    const headers = new Headers()
    for (const name of [...teller.names, ...claims]) headers.set(name, '')
    if (!authorization.observed)
      for (const [name, value] of await teller.tell(authorization.aauth, message)) headers.set(name, value)
    resource.responseHeaders({ status: 200, headers }, requirement, message)
    return new Response(null, { headers })
  }
  const handle: Participant['handle'] = async message => {
    checkAndReport(resource, message, checkTarget)
    const answer = await resource.handle(message)
    if (answer !== undefined) return answer
    if (!isAsked(message, proxy)) throw refusal('path_unknown')
    const response = await readBody(message)
      .then(answerCheck)
      .catch((thrown: unknown) => refusalOf(thrown, now))
    return proxy === 'nginx' ? forNginx(response) : response
  }
  return { handle, refused: resource.refused, ready: resource.ready }
}

/** The proxy makes the answers, and shows bodies only where it is told to. */
function handlingOf(bodies: NonNullable<CheckOptions['bodies']>): RouteHandling {
  return bodies === 'seen' ? {} : { bodies: 'unseen' }
}

function checkTogether<S extends string>({ resource, proxy, bodies, routes }: CheckOptions<S>): void {
  if (resource.cors !== undefined)
    throw new TypeError('a check cannot answer preflights: let the proxy in front do that')
  if (bodies === 'seen' && proxy === 'nginx') throw new TypeError('nginx shows no bodies to whom it asks')
  if (routes.some(({ mcp }) => mcp !== undefined))
    throw new TypeError('a check does not see what a message names: put the gateway in front of an MCP server')
}

function isAsked({ target }: ReceivedMessage, proxy: CheckOptions['proxy']): boolean {
  return proxy === 'nginx' ? target === checkPath : target.startsWith(`${checkPath}/`)
}

/** The response to a refused request. A fault of this server is thrown, so that the server logs it. */
function refusalOf(thrown: unknown, now: () => number): Response {
  const error = asAAuthError(thrown)
  if (error.status >= 500) throw error
  return errorResponse(error, { now })
}

/** A request, and whether it has a body according to the proxy. */
interface Original {
  readonly message: ReceivedMessage
  readonly body: 'none' | 'some' | 'unknown'
}

const originals: readonly string[] = ['x-original-method', 'x-original-uri', 'x-original-body']

/** @throws AAuthError 500 when the proxy leaves out a required header: a request that cannot be judged does not pass */
function originalOf(asked: ReceivedMessage): Original {
  const [method, target, framing] = originals.map(name => {
    const values = headerValues(asked, name)
    return values.length === 1 ? values[0] : undefined
  })
  if (method === undefined || target === undefined || framing === undefined)
    throw refusal('internal_error', {
      about: 'the proxy must set X-Original-Method, X-Original-URI and X-Original-Body',
    })
  const headers = asked.headers.filter(([name]) => !originals.includes(name.toLowerCase()))
  return { message: { ...asked, method, target, headers }, body: framedBody(framing, method) }
}

const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Reads `$server_protocol;$content_length;$http_transfer_encoding`. An HTTP/2 request may have a body without either header, so
 * that only methods that usually have no body count as having none.
 */
function framedBody(framing: string, method: string): Original['body'] {
  const found = /^HTTP\/(\d)\.\d;(\d*);([ -~]*)$/.exec(framing)
  if (found === null)
    throw refusal('internal_error', {
      about: 'X-Original-Body must be "$server_protocol;$content_length;$http_transfer_encoding"',
    })
  const [, version, length = '', coding = ''] = found
  if (Number(length) > 0 || coding !== '') return 'some'
  if (length !== '' || version === '1') return 'none'
  return bodiless.has(method) ? 'none' : 'unknown'
}

function withoutPrefix(asked: ReceivedMessage): Original {
  const message = { ...asked, target: asked.target.slice(checkPath.length) }
  const seen = asked.body !== undefined && asked.body.length > 0
  return { message, body: seen ? 'some' : bodiless.has(asked.method) ? 'none' : 'unknown' }
}

/** A request before it is judged. */
interface Inspected {
  /** The request, without its body where that is not seen here. */
  readonly message: ReceivedMessage
  /** The headers that the API could take for facts, except those that are always replaced. */
  readonly claims: ReadonlySet<string>
  readonly fault: Fault | undefined
}

/** The fault for which a request is refused before any route judges it. */
interface Fault {
  readonly error: AAuthError
  /** Whether it is refused even when the resource only observes. */
  readonly lasting: boolean
}

type InspectOptions = Required<Pick<CheckOptions, 'proxy' | 'bodies'>> & { readonly names: readonly string[] }

function inspect(original: Original, { proxy, bodies, names }: InspectOptions): Inspected {
  const claims = claimsIn(original.message, names)
  const fault =
    targetFault(original.message) ?? headerFault(original.message, claims, proxy) ?? bodyFault(original, bodies)
  return { message: visiblePart(original, bodies), claims, fault }
}

function targetFault(message: ReceivedMessage): Fault | undefined {
  try {
    checkTarget(message)
    return undefined
  } catch (thrown) {
    return { error: asAAuthError(thrown), lasting: true }
  }
}

/** Envoy replaces the headers that the response names; nginx those that its configuration names, which are the facts only. */
function headerFault(
  message: ReceivedMessage,
  claims: ReadonlySet<string>,
  proxy: CheckOptions['proxy'],
): Fault | undefined {
  if (claims.size === 0 && !asksForAnother(message)) return undefined
  const error = refusal('header_ambiguous')
  // While only observing, a method override may pass: an API may use it, and it carries no identity.
  return { error, lasting: ![...claims].every(name => proxy === 'envoy' && name === plainName(name)) }
}

function bodyFault(original: Original, bodies: InspectOptions['bodies']): Fault | undefined {
  if (bodies !== 'refuse' || !isUnseen(original)) return undefined
  return { error: refusal('body_unseen'), lasting: false }
}

/** Whether a signature may cover a body that is not seen here. */
function isUnseen({ message, body }: Original): boolean {
  return isSigned(message) && (body !== 'none' || headerValues(message, 'content-digest').length > 0)
}

function visiblePart(original: Original, bodies: InspectOptions['bodies']): ReceivedMessage {
  const { body: _, ...bare } = original.message
  if (bodies === 'seen') return original.message
  return isUnseen(original) ? { ...bare, dangerouslyUnseenBody: true } : bare
}

/**
 * `auth_request` of nginx passes on 401 and 403 only, turns any other status into 500, and drops bodies. So the intended status and
 * body are in headers, from which its configuration makes the response.
 */
async function forNginx(response: Response): Promise<Response> {
  if (response.status === 200) return response
  const body = await response.text()
  const headers = new Headers(response.headers)
  headers.set('aauth-status', String(response.status))
  headers.set('aauth-error', body.replace(/[^ -~]/g, inAscii))
  return new Response(body, { status: response.status === 401 ? 401 : 403, headers })
}

/** The JSON escape of one UTF-16 code unit. */
function inAscii(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
