import type { BodyCheck, ReceivedMessage } from '@countersign/httpsig'
import { connectionOfRequest } from '@countersign/httpsig/internal'
import { AAuthError } from '@countersign/protocol'
import { checkOptions, frameHead, type OptionChecks } from '@countersign/protocol/internal'
import type { Context, MiddlewareHandler } from 'hono'
import { checkedBody, endingWithGrant, holdBeside, receive, type ServerBindings } from '#message'
import { askedWhole } from '../answer/whole-answer.js'
import { type Calls, type Guarded, withCalls } from '../guard/aauth.js'
import type { Authorization } from '../guard/authorization.js'
import type { AnswerHead } from '../guard/handed-on.js'
import { agentMetadataPath } from '../guard/metadata.js'
import type { BodyRule, Requirement } from '../guard/requirement.js'
import type { Resource } from '../options.js'
import {
  bodiless,
  type Received,
  receivedBefore,
  shownResponse,
  uncheckedRequest,
  unreadable,
  withHeaders,
  withPeer,
} from './adapter.js'
import type { WhileOpen } from './revocable.js'

/** What {@link guard} adds to a Hono app: `c.var.aauth`. */
export interface AAuthEnv {
  Variables: { aauth: Guarded }
}

/** Options of the adapter. */
export interface HonoOptions {
  /** Largest body in bytes; above it 413. Default 1 MiB. */
  readonly bodyLimit?: number
  /**
   * The IP address at the other end of the connection, where the runtime tells it apart from the request, such as
   * `c => getConnInfo(c).remote.address`: limits count unknown callers by it, all together where it is missing. Not needed on
   * `@hono/node-server`. Never a header that callers can set.
   */
  readonly peer?: (c: Context) => string | undefined
}

const honoChecks: OptionChecks<HonoOptions> = { bodyLimit: 'number', peer: 'function' }

/** The received message, kept on the context: a body can be read only once. */
const messageKey = 'countersign.message'
const checkedKey = 'countersign.checked'
const restoredKey = 'countersign.restored'
const ownKey = 'countersign.own'

/**
 * Guards a Hono route: verifies the request, answers challenges, and puts the verified facts in `c.var.aauth`.
 * It reads the body once the head has passed, and leaves the verified bytes readable for the handler. Middleware that has read the body before it is an
 * error, which goes to the app's `onError`.
 * On `@hono/node-server`, and where the server hands the app `{ received: message }` as its bindings, the message is verified
 * exactly as it came; elsewhere as far as a Fetch request still shows it.
 *
 * Which path spellings lead to one route is Hono's to say (`/%65vents` is `/events`, `/events/` is not): the signature is over
 * the spelling that came, and all that lead to a route count against its limits together.
 * @throws TypeError at once for a requirement that no request could meet
 * @see protocol §4
 * @example
 * ```ts
 * import type { Resource } from '@countersign/resource'
 * import { guard, wellKnown } from '@countersign/resource/hono'
 * import { Hono } from 'hono'
 *
 * declare const calendar: Resource // made by createResource
 * const app = new Hono()
 * app.use(wellKnown(calendar))
 * app.get('/agenda', guard(calendar, { level: 'identified' }), c => c.json({ hello: c.var.aauth.agent }))
 * ```
 */
export function guard<S extends string>(
  resource: Resource<S>,
  requirement: Requirement<NoInfer<S>>,
  options: HonoOptions = {},
): MiddlewareHandler<AAuthEnv> {
  checkOptions('guard', options, honoChecks)
  const declared = resource.declare(requirement, { answers: 'projected' })
  const callsOthers = resource.paths.includes(agentMetadataPath)
  return async (c, next) => {
    const { body: rule = 'whole' } = declared
    const message = await messageOf(c, options, rule)
    if (message instanceof Response) return exposed(message, c, resource)
    const authorization = await resource.authorize(message, declared)
    if (!authorization.ok) return own(c, authorization.response)
    if (rule === 'whole' || message.body !== undefined) restoreBody(c, authorization.message)
    if (authorization.body === undefined) c.req.raw = uncheckedRequest(c.req.raw, message)
    else checkWhileRead(c, authorization.body)
    const { answer } = authorization
    if (answer !== undefined) c.req.raw = askedWhole(c.req.raw)
    const isBeside = answer === undefined ? undefined : holdBeside(c.env as ServerBindings | undefined, answer)
    c.set('aauth', callsOthers ? unlogged(authorization.aauth) : authorization.aauth)
    await next()
    if (isBeside?.(c.res)) return undefined
    const told = c.error === undefined ? undefined : await authorization.respond(c.error)
    if (told !== undefined) answerInstead(c, own(c, told))
    else {
      await showAnswer(c, authorization)
      protectResponse(c, head => {
        resource.responseHeaders(head, declared, message)
        frameHead(head, message.method, () => c.res.body === null)
      })
      if (authorization.whileOpen !== undefined) endWithGrant(c, authorization.whileOpen)
    }
    return undefined
  }
}

/**
 * Answers a resource's metadata, its keys and its resource token endpoint; everything else goes on to the app.
 * @see protocol §6, §6.1
 */
export function wellKnown<S extends string>(resource: Resource<S>, options: HonoOptions = {}): MiddlewareHandler {
  checkOptions('wellKnown', options, honoChecks)
  return async (c, next) => {
    if (!resource.paths.includes(c.req.path)) return next()
    const message = await messageOf(c, options, 'whole')
    if (message instanceof Response) return exposed(message, c, resource)
    return (await resource.handle(message)) ?? next()
  }
}

/**
 * Answers preflights for a whole app, and lets pages read its other answers as well: a 404, a route without guard.
 * Put it first. `app.get()` routes need it, since Hono gives them no OPTIONS; it does nothing where the resource's `cors` is off.
 * @see protocol §4 "CORS"
 */
export function cors<S extends string>(resource: Resource<S>): MiddlewareHandler {
  return async (c, next) => {
    const { raw } = c.req
    const preflight = resource.cors?.preflight(raw)
    if (preflight !== undefined) return preflight
    await next()
    protectResponse(c, ({ headers }) => resource.cors?.expose(raw, headers))
    return undefined
  }
}

/** A response of a guard by itself: an outer guard has nothing to take out of it. */
function own(c: Context, response: Response): Response {
  c.set(ownKey, response)
  return response
}

/** Replaces the response by what the conditions of its caller let out. */
async function showAnswer(c: Context, authorization: Authorization & { readonly ok: true }): Promise<void> {
  if (authorization.answer === undefined || c.res === c.get(ownKey)) return
  replaceResponse(c, own(c, await shownResponse(c.res, authorization, c.req.method)))
}

/** Lets a page read why it was refused. */
function exposed<S extends string>(response: Response, c: Context, resource: Resource<S>): Response {
  resource.cors?.expose(c.req.raw, response.headers)
  return response
}

/** Hono's own error handler logs errors that have no response. A user who must agree is no failure of the app. */
function unlogged(aauth: Guarded): Guarded {
  const answered = async (response: Promise<Response>): Promise<Response> => {
    try {
      return await response
    } catch (error) {
      if (!(error instanceof AAuthError)) throw error
      const { status } = error
      throw Object.defineProperty(error, 'getResponse', {
        value: () => new Response(null, { status }),
        configurable: true,
      })
    }
  }
  const calls: Calls = {
    fetch: (input, init) => answered(aauth.fetch(input, init)),
    oauth: (api, input, init) => answered(aauth.oauth(api, input, init)),
  }
  return withCalls(aauth, calls, aauth)
}

/** The app has answered the error by now, as any other. */
function answerInstead(c: Context, response: Response): void {
  // Middleware that reads `c.error` after this guard must not take it for a failure.
  c.error = undefined
  replaceResponse(c, response)
}

/** Hono would lay the headers of the response that there is over the new one's. */
function replaceResponse(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

/** An event stream would go on for as long as its caller likes (REV-09). */
function endWithGrant(c: Context, whileOpen: WhileOpen): void {
  const response = endingWithGrant(c.res, c.env, whileOpen)
  if (response !== c.res) replaceResponse(c, response)
}

function protectResponse(c: Context, set: (head: AnswerHead) => void): void {
  const response = withHeaders(c.res, set)
  if (response !== c.res) replaceResponse(c, response)
}

async function messageOf(c: Context, options: HonoOptions, rule: BodyRule): Promise<ReceivedMessage | Response> {
  const known: unknown = c.get(messageKey)
  if (known !== undefined) return receivedBefore(known as Received, rule)
  // Hono would give the handler the body that was read before, which the signature does not cover.
  if (Object.keys(c.req.bodyCache).length > 0)
    throw new TypeError('the body was read before guard(): put guard() before what reads it')
  try {
    const { bodyLimit = 1_048_576 } = options
    const received = await receive(c.req.raw, c.env, { bodyLimit, rule })
    const connected = { connection: connectionOfRequest(c.req.raw), ...received.message }
    const message = withPeer(connected, () => options.peer?.(c))
    c.req.raw = received.request
    c.set(messageKey, { message, rule } satisfies Received)
    return message
  } catch (thrown) {
    return unreadable(thrown)
  }
}

/** The handler reads the body through the check, once for all guards. */
function checkWhileRead(c: Context, check: BodyCheck): void {
  const { message } = c.get(messageKey) as Received
  if (message.unread === undefined || c.get(checkedKey) === true) return
  c.set(checkedKey, true)
  c.req.raw = checkedBody(c.req.raw, c.env, check)
}

/** The stream was read: the handler gets a request with the same bytes, once for all guards. */
function restoreBody(c: Context, message: ReceivedMessage): void {
  const { raw } = c.req
  if (bodiless.has(message.method) || c.get(restoredKey) === true) return
  c.set(restoredKey, true)
  const { url, method, headers, signal } = raw
  c.req.raw = new Request(url, {
    method,
    headers,
    signal,
    body: message.body === undefined ? null : new Uint8Array(message.body),
  })
}
