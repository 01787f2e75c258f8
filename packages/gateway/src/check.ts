import { checkTarget, headerValues, isSigned, type ReceivedMessage } from '@countersign/httpsig'
import { AAuthError, asAAuthError, errorResponse } from '@countersign/protocol'
import type { Resource } from '@countersign/resource'
import type { Participant } from '@countersign/server'
import { checkPassedOn } from './forwarded-headers.js'
import { type Identity, tellerOf } from './identity.js'
import { mcpSessions } from './mcp-route.js'
import { type GatewayRoute, judge } from './routed.js'

/** What a check is made of. */
export interface CheckOptions<S extends string = string> {
  readonly resource: Resource<S>
  /** The longest matching path decides; a path on no route is refused. */
  readonly routes: ReadonlyArray<GatewayRoute<S>>
  /**
   * Who asks. `nginx` (`auth_request`): `GET /check`, with the request in `X-Original-Method`, `X-Original-URI` and
   * `X-Original-Body`; it is told 401 or 403 for every refusal, and the status that was meant in `AAuth-Status`. `envoy`
   * (`ext_authz` over HTTP): the request's own method, and its path after `/check`; every answer is as the caller shall get it.
   */
  readonly proxy: 'nginx' | 'envoy'
  /**
   * What becomes of requests with a body. `refuse` (default): refused, since nothing here sees whether it is the one that was
   * signed. `seen`: the proxy sends it along (Envoy's `with_request_body`). `unseen`: they pass when a signature covers
   * `content-digest`; **the API itself must then compare it with the body**, or anybody on the way can put in another one.
   */
  readonly bodies?: 'refuse' | 'seen' | 'unseen'
  /** Default `headers`. */
  readonly identity?: Identity
  /** Unix seconds. */
  readonly now?: () => number
}

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
 * It must be reachable by the proxy only: others could ask about requests of their own, and spend them.
 * @throws TypeError for a route that is wrong, a resource with `cors` (the proxy answers pages), `seen` with nginx (it shows no bodies)
 * @see protocol §3.3, §4
 */
export function createCheck<S extends string>(options: CheckOptions<S>): Check<S> {
  let current = configure(options)
  return {
    handle: message => current(message),
    reload(next) {
      current = configure(next)
    },
  }
}

function configure<S extends string>(options: CheckOptions<S>): Participant['handle'] {
  const { resource, proxy, bodies = 'refuse', identity = 'headers', now = () => Date.now() / 1000 } = options
  if (resource.cors !== undefined)
    throw new TypeError('a check cannot answer preflights: let the proxy in front do that')
  if (bodies === 'seen' && proxy === 'nginx') throw new TypeError('nginx shows no bodies to whom it asks')
  if (options.routes.some(({ mcp }) => mcp !== undefined))
    throw new TypeError('a check does not see what a message names: put the gateway in front of an MCP server')
  const judged = judge(resource, options.routes, { sessions: mcpSessions(now), now })
  const teller = tellerOf({ identity, id: resource.id, now })
  const verdict = async (asked: ReceivedMessage): Promise<Response> => {
    const message = asSeen(proxy === 'nginx' ? originalOf(asked) : prefixed(asked), bodies)
    // Nothing is refused yet where it only observes, and nothing is judged.
    if (resource.observed === undefined) checkPassedOn(message, teller.names)
    const { authorization, requirement } = await judged(message)
    if (!authorization.ok) return authorization.response
    const headers = new Headers(teller.names.map((name): [string, string] => [name, '']))
    if (!authorization.observed)
      for (const [name, value] of await teller.tell(authorization.aauth, message)) headers.set(name, value)
    resource.responseHeaders(headers, requirement, message)
    return new Response(null, { headers })
  }
  return async message => {
    checkTarget(message)
    const answer = await resource.handle(message)
    if (answer !== undefined) return answer
    if (!isAsked(message, proxy)) throw new AAuthError('invalid_request', 'there is nothing here', { status: 404 })
    const response = await verdict(message).catch((thrown: unknown) => refusalOf(thrown, now))
    return proxy === 'nginx' ? forNginx(response) : response
  }
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

/** @throws AAuthError 403 for a body that cannot be checked here */
function asSeen({ message, body }: Original, bodies: NonNullable<CheckOptions['bodies']>): ReceivedMessage {
  checkTarget(message)
  if (bodies === 'seen') return message
  const { body: _, ...bare } = message
  if (!isSigned(message)) return bare
  if (body === 'none' && headerValues(message, 'content-digest').length === 0) return bare
  if (bodies === 'refuse')
    throw new AAuthError(
      'policy_denied',
      'signed requests with a body do not pass here: nothing sees whether it is theirs',
    )
  return { ...bare, dangerouslyUnseenBody: true }
}

function misconfigured(description: string): AAuthError {
  return new AAuthError('server_error', description)
}

/** All that `auth_request` passes on is 401 and 403; any other status is its 500. */
function forNginx(response: Response): Response {
  if (response.status === 200) return response
  const headers = new Headers(response.headers)
  headers.set('aauth-status', String(response.status))
  return new Response(response.body, { status: response.status === 401 ? 401 : 403, headers })
}
