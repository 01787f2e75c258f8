import { checkTarget, headerValues, isSigned, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, asAAuthError, errorResponse } from '@countersign/protocol'
import type { Resource } from '@countersign/resource'
import type { Participant } from '@countersign/server'
import { checkCheckOptions } from './check-routes.js'
import { asksForAnother, claimsIn, plainName } from './forwarded-headers.js'
import { tellerOf } from './identity.js'
import type { Judged } from './judged.js'
import { mcpSessions } from './mcp-route.js'
import type { CheckOptions } from './options.js'
import { judge, refusedAnyway, telling, unrouted } from './routed.js'

const checkPath = '/check'

/** A check as a server runs it. */
export interface Check<S extends string = string> extends Participant {
  /**
   * From now on requests are judged as these options say, all at once. Give the new resource the `replay`, `counter` and
   * `discovery` of the old one, or it knows nothing of what that one has seen.
   * @throws TypeError for options that are wrong; then everything stays as it was
   */
  reload(options: CheckOptions<S>): void
}

/**
 * Judges requests for a proxy that passes them on by itself: at `/check` it answers 200 with the facts in headers, as a gateway
 * tells them, or the refusal. Every header of the facts is in the answer, an empty one for what is not known, so that it takes the
 * place of whatever a caller sent under its name; what nothing takes the place of (`AAuth_User`, `X-HTTP-Method-Override`) is
 * refused. The resource's own paths are answered as everywhere.
 * A resource that only observes lets everything pass, with those headers empty. A target that two servers could read differently
 * is refused even then, and so is a header that the API could take for a fact, where no answer takes its place.
 * It must be reachable by the proxy only: others could ask about requests of their own, and spend them.
 * @throws TypeError for a route that is wrong, a resource with `cors` (the proxy answers pages), `seen` with nginx (it shows no bodies)
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
  const { judge: judged } = judge(resource, options.routes, { sessions: mcpSessions(now), now })
  const teller = tellerOf({ identity, id: resource.id, now })
  const decided = async ({ message, fault }: Looked): Promise<Judged<S>> => {
    if (fault === undefined) return judged(message)
    const refuse = fault.lasting ? refusedAnyway : unrouted
    return { requirement: {}, authorization: refuse(message, fault, resource) }
  }
  const verdict = async (asked: ReceivedMessage): Promise<Response> => {
    const looked = look(proxy === 'nginx' ? originalOf(asked) : prefixed(asked), { proxy, bodies, names: teller.names })
    const { message, claims } = looked
    const { authorization, requirement } = await decided(looked)
    if (!authorization.ok) return authorization.response
    const headers = new Headers()
    for (const name of [...teller.names, ...claims]) headers.set(name, '')
    if (!authorization.observed)
      for (const [name, value] of await teller.tell(authorization.aauth, message)) headers.set(name, value)
    resource.responseHeaders({ status: 200, headers }, requirement, message)
    return new Response(null, { headers })
  }
  const handle: Participant['handle'] = async message => {
    telling(resource, message, checkTarget)
    const answer = await resource.handle(message)
    if (answer !== undefined) return answer
    if (!isAsked(message, proxy)) throw new AAuthError('invalid_request', 'there is nothing here', { status: 404 })
    const response = await verdict(message).catch((thrown: unknown) => refusalOf(thrown, now))
    return proxy === 'nginx' ? forNginx(response) : response
  }
  return { handle, refused: resource.refused, ready: resource.ready }
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

/** What is wrong here, and not with the request, is the server's to log. */
function refusalOf(thrown: unknown, now: () => number): Response {
  const error = asAAuthError(thrown)
  if (error.status >= 500) throw error
  return errorResponse(error, { now })
}

/** A request, and what its proxy says about its body. */
interface Original {
  readonly message: ReceivedMessage
  readonly body: 'none' | 'some' | 'unknown'
}

const originals: readonly string[] = ['x-original-method', 'x-original-uri', 'x-original-body']

/** @throws AAuthError 500 where the proxy leaves out what it must say: a request that nobody can judge does not pass */
function originalOf(asked: ReceivedMessage): Original {
  const [method, target, framing] = originals.map(name => {
    const values = headerValues(asked, name)
    return values.length === 1 ? values[0] : undefined
  })
  if (method === undefined || target === undefined || framing === undefined)
    throw misconfigured('the proxy must set X-Original-Method, X-Original-URI and X-Original-Body')
  const headers = asked.headers.filter(([name]) => !originals.includes(name.toLowerCase()))
  return { message: { ...asked, method, target, headers }, body: framedBody(framing, method) }
}

const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * `$server_protocol;$content_length;$http_transfer_encoding`. HTTP/2 needs neither to send a body: there nobody knows, and only
 * methods that have none by custom are taken to have none.
 */
function framedBody(framing: string, method: string): Original['body'] {
  const found = /^HTTP\/(\d)\.\d;(\d*);([ -~]*)$/.exec(framing)
  if (found === null)
    throw misconfigured('X-Original-Body must be "$server_protocol;$content_length;$http_transfer_encoding"')
  const [, version, length = '', coding = ''] = found
  if (Number(length) > 0 || coding !== '') return 'some'
  if (length !== '' || version === '1') return 'none'
  return bodiless.has(method) ? 'none' : 'unknown'
}

function prefixed(asked: ReceivedMessage): Original {
  const message = { ...asked, target: asked.target.slice(checkPath.length) }
  const seen = asked.body !== undefined && asked.body.length > 0
  return { message, body: seen ? 'some' : bodiless.has(asked.method) ? 'none' : 'unknown' }
}

/** A request before it is judged. */
interface Looked {
  /** As far as it is seen here. */
  readonly message: ReceivedMessage
  /** The headers that the API could take for facts, beside those that are always replaced. */
  readonly claims: ReadonlySet<string>
  readonly fault?: Fault
}

/** Why no route is asked. */
interface Fault {
  readonly error: AAuthError
  /** It is refused even where the resource only observes. */
  readonly lasting: boolean
}

type Looking = Required<Pick<CheckOptions, 'proxy' | 'bodies'>> & { readonly names: readonly string[] }

function look(original: Original, { proxy, bodies, names }: Looking): Looked {
  const claims = claimsIn(original.message, names)
  const fault =
    targetFault(original.message) ?? headerFault(original.message, claims, proxy) ?? bodyFault(original, bodies)
  return { message: asSeen(original, bodies), claims, ...(fault === undefined ? {} : { fault }) }
}

function targetFault(message: ReceivedMessage): Fault | undefined {
  try {
    checkTarget(message)
    return undefined
  } catch (thrown) {
    return { error: asAAuthError(thrown), lasting: true }
  }
}

/** Envoy replaces what the answer names; nginx what its configuration names, and that is the facts alone. */
function headerFault(
  message: ReceivedMessage,
  claims: ReadonlySet<string>,
  proxy: CheckOptions['proxy'],
): Fault | undefined {
  if (claims.size === 0 && !asksForAnother(message)) return undefined
  const error = new AAuthError('invalid_request', 'a header could make the request another than the one that is judged')
  // An API that is in use may well go by a method override; nobody's identity comes with it.
  return { error, lasting: ![...claims].every(name => proxy === 'envoy' && name === plainName(name)) }
}

function bodyFault(original: Original, bodies: Looking['bodies']): Fault | undefined {
  if (bodies !== 'refuse' || !isUnseen(original)) return undefined
  const description = 'signed requests with a body do not pass here: nothing sees whether it is theirs'
  return { error: new AAuthError('policy_denied', description), lasting: false }
}

/** Whether a signature may be about a body. */
function isUnseen({ message, body }: Original): boolean {
  return isSigned(message) && (body !== 'none' || headerValues(message, 'content-digest').length > 0)
}

function asSeen(original: Original, bodies: Looking['bodies']): ReceivedMessage {
  const { body: _, ...bare } = original.message
  if (bodies === 'seen') return original.message
  return isUnseen(original) ? { ...bare, dangerouslyUnseenBody: true } : bare
}

function misconfigured(description: string): AAuthError {
  return new AAuthError('server_error', description)
}

/**
 * All that `auth_request` passes on is 401 and 403; any other status is its 500, and bodies it throws away. What its configuration
 * needs to say the same stands in headers.
 */
async function forNginx(response: Response): Promise<Response> {
  if (response.status === 200) return response
  const body = await response.text()
  const headers = new Headers(response.headers)
  headers.set('aauth-status', String(response.status))
  headers.set('aauth-error', body.replace(/[^ -~]/g, inAscii))
  return new Response(body, { status: response.status === 401 ? 401 : 403, headers })
}

/** As JSON may write it. */
function inAscii(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
