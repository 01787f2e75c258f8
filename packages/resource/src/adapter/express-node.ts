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
 * Guards Express routes: verifies the request exactly as it was received, at any mount path, answers with challenges, and puts
 * the verified facts in `req.aauth`. It reads the body once the head has passed, and leaves exactly the verified bytes for `express.json()` and
 * handlers. Put it before anything that reads bodies. A parser before it must keep the bytes, as `express.json({ verify: keepBody })`
 * does; otherwise the app's error handler gets an error.
 * @throws TypeError at once for a requirement that no request could meet
 * @see protocol §4
 * @example
 * ```ts
 * import type { Resource } from '@countersign/resource'
 * import { guard, wellKnown } from '@countersign/resource/express'
 * import express from 'express'
 *
 * declare const calendar: Resource // made by createResource
 * const app = express()
 * app.use(wellKnown(calendar))
 * app.get('/agenda', guard(calendar, { level: 'identified' }), (request, response) => {
 *   response.json({ hello: request.aauth.agent })
 * })
 * ```
 */
export function guard<S extends string>(
  resource: Resource<S>,
  requirement: Requirement<NoInfer<S>>,
  options: NodeOptions = {},
): Middleware {
  checkNodeOptions('guard', options)
  const route = { resource, declared: resource.declare(requirement, { answers: 'projected' }), options }
  return async (request: Guardable, response, next) => {
    const admission = await admit({ request, response }, route)
    if (!admission.ok) return answerNode(admission.response, request, response)
    request.aauth = admission.aauth
    request[admitted] = admission
    next()
  }
}

/**
 * Error middleware that answers errors of `req.aauth.fetch` and `req.aauth.oauth`: the user must agree, or another service is
 * unavailable. Express does not show a guard the errors of later handlers. So an app whose routes call other services mounts this
 * after its routes and before its own error middleware: `app.use(setbacks)`. It passes every other error on.
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
