import { Readable } from 'node:stream'
import type {
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  preParsingAsyncHookHandler,
  RouteShorthandOptions,
} from 'fastify'
import type { Guarded } from '../guard/aauth.js'
import type { Requirement } from '../guard/requirement.js'
import type { Resource } from '../options.js'
import { type Admission, admit, answerCors, answerWellKnown } from './guard-node.js'
import { checkNodeOptions, dropBody, isReceived, type NodeOptions, nameNode } from './incoming-node.js'
import { bodyOf, fieldsOf, releaseAnswer } from './outgoing-node.js'

export type { NodeOptions } from './incoming-node.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The verified facts, behind `guard()`; nothing elsewhere. */
    aauth: Guarded
  }
}

/** Options of a Fastify route that guard it. */
export interface GuardedRoute {
  readonly preParsing: preParsingAsyncHookHandler
  readonly errorHandler: NonNullable<RouteShorthandOptions['errorHandler']>
}

const admitted = Symbol('countersign.admitted')

type Guardable = FastifyRequest & { [admitted]?: Extract<Admission, { ok: true }> }

/**
 * Guards a Fastify route. It returns route options: `app.get('/events', guard(calendar, { scope: 'events.read' }), handler)`;
 * spread them to add others. It verifies the request exactly as it was received, answers with challenges, and puts the verified
 * facts in `request.aauth`. It reads the body once the head has passed, and parsers get exactly the verified bytes; a `preParsing` hook before it that
 * changes the payload is an error. It answers errors of `aauth.fetch`; any other error goes to the app's error handler.
 * @throws TypeError at once for a requirement that no request could meet
 * @see protocol §4
 * @example
 * ```ts
 * import type { Resource } from '@countersign/resource'
 * import { guard, wellKnown } from '@countersign/resource/fastify'
 * import fastify from 'fastify'
 *
 * declare const calendar: Resource // made by createResource
 * const app = fastify()
 * app.addHook('onRequest', wellKnown(calendar))
 * app.get('/agenda', guard(calendar, { level: 'identified' }), async request => ({ hello: request.aauth.agent }))
 * ```
 */
export function guard<S extends string>(
  resource: Resource<S>,
  requirement: Requirement<NoInfer<S>>,
  options: NodeOptions = {},
): GuardedRoute {
  checkNodeOptions('guard', options)
  const route = { resource, declared: resource.declare(requirement, { answers: 'projected' }), options }
  return {
    async preParsing(request: Guardable, reply, payload) {
      const raw = nameNode(request.raw, request.id)
      // The parser would get the payload of another hook, which the signature does not cover.
      if ((payload as Readable) !== raw && !isReceived(raw))
        throw new TypeError('the payload was replaced before guard(): put guard() before what reads it')
      const admission = await admit({ request: raw, response: reply.raw }, route)
      if (!admission.ok) return answer(admission.response, request, reply)
      request.aauth = admission.aauth
      request[admitted] = admission
      // A chunked body without a byte is at its end already, and a parser would wait for that.
      return raw.readableEnded ? Readable.from([]) : payload
    },
    async errorHandler(error, request: Guardable, reply) {
      const told = await request[admitted]?.respond(error)
      if (told === undefined) throw error
      for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
      return answer(told, request, reply)
    },
  }
}

/**
 * Answers a resource's metadata, its keys and its resource token endpoint, as a hook of the whole app:
 * `app.addHook('onRequest', wellKnown(calendar))`.
 * @see protocol §6, §6.1
 */
export function wellKnown<S extends string>(
  resource: Resource<S>,
  options: NodeOptions = {},
): onRequestAsyncHookHandler {
  checkNodeOptions('wellKnown', options)
  return async (request, reply) => {
    const response = await answerWellKnown(resource, nameNode(request.raw, request.id), options)
    return response === undefined ? undefined : answer(response, request, reply)
  }
}

/**
 * Answers preflights for a whole app, and lets pages read its other answers as well: a 404, a route without guard.
 * `app.addHook('onRequest', cors(calendar))` comes first; it does nothing where the resource's `cors` is off.
 * @see protocol §4 "CORS"
 */
export function cors<S extends string>(resource: Resource<S>): onRequestAsyncHookHandler {
  return async (request, reply) => {
    const preflight = answerCors(resource, { request: request.raw, response: reply.raw })
    return preflight === undefined ? undefined : answer(preflight, request, reply)
  }
}

/** Through Fastify's own reply, so that its hooks and its log see it. */
async function answer(response: Response, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const body = await bodyOf(response)
  releaseAnswer(reply.raw)
  reply.code(response.status)
  for (const [name, value] of fieldsOf(response)) reply.header(name, value)
  if (!(await dropBody(request.raw)) && request.raw.httpVersionMajor < 2) reply.header('connection', 'close')
  return reply.send(body)
}
