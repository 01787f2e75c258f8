import type { IncomingMessage, ServerResponse } from 'node:http'
import { errorResponse } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Guarded } from '../guard/aauth.js'
import type { Requirement } from '../guard/requirement.js'
import type { Resource } from '../options.js'
import { admit, answerCors, answerWellKnown, type Exchange } from './guard-node.js'
import { checkNodeOptions, type NodeOptions, type NodeRequest } from './incoming-node.js'
import { answerNode, type NodeResponse } from './outgoing-node.js'

export type { NodeOptions, NodeRequest } from './incoming-node.js'
export type { NodeResponse } from './outgoing-node.js'

/** A handler of `node:http` or `node:http2` that gets the verified facts. */
export type NodeHandler<Q extends NodeRequest = IncomingMessage, P extends NodeResponse = ServerResponse> = (
  request: Q,
  response: P,
  aauth: Guarded,
) => unknown

/**
 * Guards a handler of `node:http`, or of `node:http2`: verifies the request exactly as it came, answers challenges, and hands on
 * the verified facts. It reads the body once the head has passed, and leaves the verified bytes readable for the handler.
 * Faults of the program (a body that was read before, an error of the handler) are answered with 500, and the promise rejects.
 * @throws TypeError at once for a requirement that no request could meet
 * @see protocol §4
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import type { Resource } from '@countersign/resource'
 * import { guard } from '@countersign/resource/node'
 *
 * declare const calendar: Resource // made by createResource
 * createServer(
 *   guard(calendar, { level: 'identified' }, (request, response, aauth) => response.end(`hello ${aauth.agent}`)),
 * ).listen(8080)
 * ```
 */
export function guard<
  S extends string,
  Q extends NodeRequest = IncomingMessage,
  P extends NodeResponse = ServerResponse,
>(
  resource: Resource<S>,
  requirement: Requirement<NoInfer<S>>,
  handler: NodeHandler<Q, P>,
  options: NodeOptions = {},
): (request: Q, response: P) => Promise<void> {
  checkNodeOptions('guard', options)
  const route = { resource, declared: resource.declare(requirement, { answers: 'projected' }), options }
  return (request, response) =>
    orBroken({ request, response }, async exchange => {
      const admission = await admit(exchange, route)
      if (!admission.ok) return answerNode(admission.response, request, response)
      try {
        await handler(request, response, admission.aauth)
      } catch (error) {
        const told = await admission.respond(error)
        if (told === undefined) throw error
        await answerNode(told, request, response)
      }
    })
}

/**
 * Answers a resource's metadata, its keys and its resource token endpoint.
 * @returns a handler that resolves to false for every other path: those go on to the site, unread
 * @see protocol §6, §6.1
 */
export function wellKnown<S extends string>(
  resource: Resource<S>,
  options: NodeOptions = {},
): (request: NodeRequest, response: NodeResponse) => Promise<boolean> {
  checkNodeOptions('wellKnown', options)
  return (request, response) =>
    orBroken({ request, response }, async () => {
      const answer = await answerWellKnown(resource, request, options)
      if (answer !== undefined) await answerNode(answer, request, response)
      return answer !== undefined
    })
}

/**
 * Answers preflights, and lets pages read all other answers as well: a 404, a route without guard. Nothing where the
 * resource's `cors` is off.
 * @returns a handler that resolves to whether it has answered
 * @see protocol §4 "CORS"
 */
export function cors<S extends string>(
  resource: Resource<S>,
): (request: NodeRequest, response: NodeResponse) => Promise<boolean> {
  return async (request, response) => {
    const preflight = answerCors(resource, { request, response })
    if (preflight !== undefined) await answerNode(preflight, request, response)
    return preflight !== undefined
  }
}

/** Answers every request: without a response with 500; half a response is cut off, so that no client takes it for a whole one. */
async function orBroken<T>(exchange: Exchange, run: (exchange: Exchange) => Promise<T>): Promise<T> {
  const { request, response } = exchange
  try {
    return await run(exchange)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else await answerNode(errorResponse(refusal('internal_error')), request, response)
    throw error
  }
}
