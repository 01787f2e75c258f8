import type { BodyCheck, ReceivedMessage } from '@countersign/httpsig'
import { pathOfRequest } from '@countersign/httpsig/internal'
import { checkOptions, frameHead, type OptionChecks } from '@countersign/protocol/internal'
import { bindingsOf, checkedBody, endingWithGrant, receiveShown, type ServerBindings } from '#message'
import { askedWhole } from '../answer/whole-answer.js'
import type { Guarded } from '../guard/aauth.js'
import type { BodyRule, Requirement } from '../guard/requirement.js'
import type { Resource } from '../options.js'
import { type ReceivedFetch, shownResponse, uncheckedRequest, unreadable, withHeaders, withPeer } from './adapter.js'

/** Options of the adapter. */
export interface FetchOptions<A extends readonly unknown[] = readonly unknown[]> {
  /** Largest body in bytes; above it 413. Default 1 MiB. */
  readonly bodyLimit?: number
  /**
   * The IP address at the other end of the connection, from what the platform passes beside the request, such as
   * `(request, server) => server.requestIP(request)?.address` of Bun: limits count unknown callers by it, all together where it is
   * missing. A header only where the platform itself sets it and no caller can, as `CF-Connecting-IP` of Workers.
   */
  readonly peer?: (request: Request, ...more: A) => string | undefined
}

const fetchChecks: OptionChecks<FetchOptions<never>> = { bodyLimit: 'number', peer: 'function' }

/** A Fetch handler that gets the verified facts; what the platform adds to the request (`env`, `ctx`, `server`) comes after them. */
export type FetchHandler<A extends readonly unknown[]> = (
  request: Request,
  aauth: Guarded,
  ...more: A
) => Response | Promise<Response>

/**
 * Guards a Fetch handler (Workers, Deno, Bun): verifies the request, answers with challenges, and passes the verified facts to
 * the handler. It reads the body once the head has passed, and the handler gets a request with exactly the verified bytes. The runtime has parsed the
 * request already, so it is verified in the form that the runtime shows.
 * An error of `aauth.fetch` is answered; any other error of the handler rejects.
 * @throws TypeError at once for a requirement that no request could meet
 * @see protocol §4
 * @example
 * ```ts
 * import type { Resource } from '@countersign/resource'
 * import { guard } from '@countersign/resource/fetch'
 *
 * declare const calendar: Resource // made by createResource
 * export default {
 *   fetch: guard(calendar, { level: 'identified' }, (request, aauth) => Response.json({ hello: aauth.agent })),
 * }
 * ```
 */
export function guard<S extends string, A extends readonly unknown[] = []>(
  resource: Resource<S>,
  requirement: Requirement<NoInfer<S>>,
  handler: FetchHandler<A>,
  options: FetchOptions<A> = {},
): (request: Request, ...more: A) => Promise<Response> {
  checkOptions('guard', options, fetchChecks)
  const declared = resource.declare(requirement, { answers: 'projected' })
  return async (request, ...more) => {
    const { body: rule = 'whole' } = declared
    const received = await receiveFrom({ request, more }, options, rule)
    if (received instanceof Response) return exposed(received, request, resource)
    const { message } = received
    const authorization = await resource.authorize(message, declared)
    if (!authorization.ok) return authorization.response
    try {
      const { aauth, answer, whileOpen } = authorization
      const checked =
        rule === 'stream'
          ? streamed(received, authorization.body, bindingsOf(request, more[0]))
          : withBody(request, authorization.message)
      const made = await handler(answer === undefined ? checked : askedWhole(checked), aauth, ...more)
      const response = answer === undefined ? made : await shownResponse(made, authorization, message.method)
      const guarded = withHeaders(response, head => {
        resource.responseHeaders(head, declared, message)
        frameHead(head, message.method, () => response.body === null)
      })
      return whileOpen === undefined ? guarded : endingWithGrant(guarded, undefined, whileOpen)
    } catch (error) {
      const told = await authorization.respond(error)
      if (told === undefined) throw error
      return told
    }
  }
}

/**
 * Answers a resource's metadata, its keys and its resource token endpoint; undefined for every other path, which stays unread.
 * @see protocol §6, §6.1
 */
export function wellKnown<S extends string, A extends readonly unknown[] = []>(
  resource: Resource<S>,
  options: FetchOptions<A> = {},
): (request: Request, ...more: A) => Promise<Response | undefined> {
  checkOptions('wellKnown', options, fetchChecks)
  return async (request, ...more) => {
    if (!resource.paths.includes(pathOfRequest(request))) return undefined
    const received = await receiveFrom({ request, more }, options, 'whole')
    return received instanceof Response ? exposed(received, request, resource) : resource.handle(received.message)
  }
}

/**
 * Answers preflights in front of a handler, and lets pages read its other answers as well: a 404, a route without guard. It does
 * nothing where the resource's `cors` is off.
 * @see protocol §4 "CORS"
 */
export function cors<S extends string, A extends readonly unknown[] = []>(
  resource: Resource<S>,
  handler: (request: Request, ...more: A) => Response | Promise<Response>,
): (request: Request, ...more: A) => Promise<Response> {
  return async (request, ...more) =>
    resource.cors?.preflight(request) ?? exposed(await handler(request, ...more), request, resource)
}

/** A page that cannot read why it was refused cannot do better. */
function exposed<S extends string>(response: Response, request: Request, resource: Resource<S>): Response {
  return withHeaders(response, ({ headers }) => resource.cors?.expose(request, headers))
}

async function receiveFrom<A extends readonly unknown[]>(
  { request, more }: { readonly request: Request; readonly more: A },
  { bodyLimit = 1_048_576, peer }: FetchOptions<A>,
  rule: BodyRule,
): Promise<ReceivedFetch | Response> {
  // If a body that was read counted as no body, an unsigned body would get in (DIG-13).
  if (request.bodyUsed) throw new TypeError('the body was read before guard(): put guard() before what reads it')
  try {
    const received = await receiveShown(request, bindingsOf(request, more[0]), { bodyLimit, rule })
    return { ...received, message: withPeer(received.message, () => peer?.(request, ...more)) }
  } catch (thrown) {
    return unreadable(thrown)
  }
}

/** The request with a body that is checked as it is read. A request without a body has none to check. */
function streamed(
  { request, message }: ReceivedFetch,
  check: BodyCheck | undefined,
  bindings: ServerBindings | undefined,
): Request {
  if (check === undefined || message.unread === undefined) return uncheckedRequest(request, message)
  return checkedBody(request, bindings, check)
}

/** The stream was read: the handler gets a request with the same bytes. */
function withBody(request: Request, { body }: ReceivedMessage): Request {
  return request.body === null ? request : new Request(request, { body: new Uint8Array(body ?? []) })
}
