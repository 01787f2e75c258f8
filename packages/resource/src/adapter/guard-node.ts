import { pathOf } from '@countersign/httpsig/internal'
import { frameHead } from '@countersign/protocol/internal'
import type { Guarded } from '../guard/aauth.js'
import type { Requirement } from '../guard/requirement.js'
import type { Resource } from '../options.js'
import { askWhole, holdAnswer } from './held-answer-node.js'
import {
  checkedNode,
  corsRequestOf,
  type NodeOptions,
  type NodeRequest,
  receiveNode,
  targetOf,
} from './incoming-node.js'
import { endWhenRevoked, headersNow, type NodeResponse, releaseAnswer, whenSent } from './outgoing-node.js'

/** A request and its response, on Node. */
export interface Exchange {
  readonly request: NodeRequest
  readonly response: NodeResponse
}

/** A route on Node, as `guard()` declares it. */
export interface DeclaredRoute<S extends string> {
  readonly resource: Resource<S>
  readonly declared: Requirement<S>
  readonly options: NodeOptions
}

/** What became of a request on Node. */
export type Admission =
  | {
      readonly ok: true
      readonly aauth: Guarded
      /** The answer to what `aauth.fetch` has thrown; the headers a handler has set are gone then. */
      respond(error: unknown): Promise<Response | undefined>
    }
  | { readonly ok: false; readonly response: Response }

/** Lets a request pass, and sees to the headers of its response, or says how to refuse it. */
export async function admit<S extends string>(
  { request, response }: Exchange,
  { resource, declared, options }: DeclaredRoute<S>,
): Promise<Admission> {
  const { body: rule = 'whole' } = declared
  const message = await receiveNode(request, options, { rule, response })
  if (message instanceof Response) return { ok: false, response: exposed(message, request, resource) }
  const authorization = await resource.authorize(message, declared)
  if (!authorization.ok) return authorization
  const { body } = authorization
  const refused = body === undefined ? undefined : await checkedNode(request, body)
  if (refused !== undefined) return { ok: false, response: exposed(refused, request, resource) }
  const takeBack = headersNow(response)
  const { answer } = authorization
  if (answer !== undefined) askWhole(request)
  const unprotect = whenSent(response, head => {
    resource.responseHeaders(head, declared, message)
    // Node frames what a handler writes, but for one case.
    if (head.status === 204) frameHead(head, message.method)
  })
  if (answer !== undefined) holdAnswer({ request, response, rule: answer, takeBack })
  if (authorization.whileOpen !== undefined) endWhenRevoked(response, authorization.whileOpen)
  // A handler that never looked at the body leaves it in the way of the next request.
  if (message.unread !== undefined || message.body !== undefined) response.once('close', () => request.resume())
  return {
    ok: true,
    aauth: authorization.aauth,
    async respond(error) {
      const told = response.headersSent ? undefined : await authorization.respond(error)
      if (told === undefined) return undefined
      releaseAnswer(response)
      unprotect()
      takeBack()
      return told
    },
  }
}

/** Answers the resource's own paths; undefined for every other path, whose request stays unread. */
export async function answerWellKnown<S extends string>(
  resource: Resource<S>,
  request: NodeRequest,
  options: NodeOptions,
): Promise<Response | undefined> {
  if (!resource.paths.includes(pathOf(targetOf(request)))) return undefined
  const message = await receiveNode(request, options)
  return message instanceof Response ? exposed(message, request, resource) : resource.handle(message)
}

/** The answer to a preflight. For any other request it sets the headers that let a page read the answer. */
export function answerCors<S extends string>(
  { cors }: Resource<S>,
  { request, response }: Exchange,
): Response | undefined {
  if (cors === undefined) return undefined
  const asked = corsRequestOf(request)
  const preflight = cors.preflight(asked)
  if (preflight === undefined) whenSent(response, ({ headers }) => cors.expose(asked, headers))
  return preflight
}

/** Lets a page read why it was refused. */
function exposed<S extends string>(response: Response, request: NodeRequest, resource: Resource<S>): Response {
  resource.cors?.expose(corsRequestOf(request), response.headers)
  return response
}
