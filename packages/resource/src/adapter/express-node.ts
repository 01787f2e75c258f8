import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Guarded } from '../guard/aauth.js'
import type { Requirement } from '../guard/requirement.js'
import type { Resource } from '../options.js'
import { type Admission, admit, answerCors, answerWellKnown } from './guard-node.js'
import { checkNodeOptions, type NodeOptions } from './incoming-node.js'
import { answerNode } from './outgoing-node.js'

export { keepBody } from '@countersign/httpsig/node'
export type { NodeOptions } from './incoming-node.js'

declare global {
  namespace Express {
    interface Request {
      /** The verified facts, behind `guard()`; nothing elsewhere. */
      aauth: Guarded
    }
  }
}

/** Express middleware; in Node's own types, so that it fits routes of any parameters. */
export type Middleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/** Express error middleware. */
export type ErrorMiddleware = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

const admitted = Symbol('countersign.admitted')

type Guardable = IncomingMessage & { aauth?: Guarded; [admitted]?: Extract<Admission, { ok: true }> }

/**
 * Guards Express routes: verifies the request exactly as it came, whatever path the router is mounted at, answers challenges,
 * and puts the verified facts in `req.aauth`. It reads the body first, and leaves it unread for `express.json()` and handlers:
 * the very bytes that were verified. Put it before what reads bodies; a parser before it must keep them, as
 * `express.json({ verify: keepBody })`. Else that is an error for the app's error handler.
 * @throws TypeError at once for a requirement that no request could meet
 * @see protocol §4
 */
export function guard<S extends string>(
  resource: Resource<S>,
  requirement: Requirement<NoInfer<S>>,
  options: NodeOptions = {},
): Middleware {
  checkNodeOptions('guard', options)
  const declared = resource.declare(requirement)
  return async (request: Guardable, response, next) => {
    const admission = await admit(resource, declared, { request, response }, options)
    if (!admission.ok) return answerNode(admission.response, request, response)
    request.aauth = admission.aauth
    request[admitted] = admission
    next()
  }
}

/**
 * Error middleware that answers errors of `req.aauth.fetch` and `req.aauth.oauth`: the user is needed, or another service is away.
 * Express shows a guard no error of the handlers after it. So an app whose routes call others mounts this after its routes and before
 * its own error middleware: `app.use(setbacks)`. It passes every other error on.
 * @see protocol §7
 */
export const setbacks: ErrorMiddleware = async (error, request: Guardable, response, next) => {
  const told = await request[admitted]?.respond(error)
  if (told === undefined) next(error)
  else await answerNode(told, request, response)
}

/**
 * Answers a resource's metadata, its keys and its resource token endpoint; everything else goes on to the app.
 * @see protocol §6, §6.1
 */
export function wellKnown<S extends string>(resource: Resource<S>, options: NodeOptions = {}): Middleware {
  checkNodeOptions('wellKnown', options)
  return async (request, response, next) => {
    const answer = await answerWellKnown(resource, request, options)
    if (answer === undefined) next()
    else await answerNode(answer, request, response)
  }
}

/**
 * Answers preflights for a whole app, and lets pages read its other answers as well: a 404, a route without guard.
 * Put it first. `app.get()` routes need it, since Express answers their OPTIONS by itself; it does nothing where the resource's
 * `cors` is off.
 * @see protocol §4 "CORS"
 */
export function cors<S extends string>(resource: Resource<S>): Middleware {
  return async (request, response, next) => {
    const preflight = answerCors(resource, { request, response })
    if (preflight === undefined) next()
    else await answerNode(preflight, request, response)
  }
}
