import type { ConditionType } from '@countersign/conditions'
import type { ReceivedMessage } from '@countersign/httpsig'
import { checkTarget, pathOf } from '@countersign/httpsig/internal'
import { errorResponse } from '@countersign/protocol'
import {
  answerRoute,
  asAAuthError,
  documentResponse,
  jwksResponse,
  knowsZones,
  type Route,
  type Routes,
  withCors,
} from '@countersign/protocol/internal'
import type { Observer } from './guard/event.js'
import type { Guard } from './guard/guarded-request.js'
import { agentMetadataPath, metadataOf, metadataPath, revocationPath, tokenPath } from './guard/metadata.js'
import type { RouteContext } from './guard/requirement.js'
import type { RouteBook } from './guard/route-book.js'
import type { ResourceOptions } from './options.js'
import { answerResourceTokenRequest } from './token/endpoint.js'
import { answerRevocation } from './token/revocation.js'

/** What a resource answers itself: its documents, its token endpoint and the pages of its callers' users. */
export interface OwnAnswers {
  readonly paths: readonly string[]
  answer(message: ReceivedMessage): Promise<Response>
}

/** What {@link ownAnswers} needs. */
export interface OwnAnswersParts {
  readonly options: ResourceOptions<string>
  readonly context: RouteContext
  readonly guard: Guard
  readonly routes: RouteBook
  readonly jwksPath: string
  readonly jwksUri: string
  /** Tells of one request, with the agent that it claims to be from. */
  observerFor(message: ReceivedMessage): Observer
}

/** Makes the answers of a resource. */
export function ownAnswers(parts: OwnAnswersParts): OwnAnswers {
  const { options, context, guard, observerFor } = parts
  const documents = documentsOf(parts)
  // bound: fixed
  const pages: Routes = guard.downstream?.routes ?? new Map()
  const { revocations } = guard
  const endpoint = { scopes: context.scopes, deny: options.deny }
  const answer = async (message: ReceivedMessage): Promise<Response> => {
    const malformed = refuseTarget(message, guard.refusal.now)
    if (malformed !== undefined) return malformed
    const path = pathOf(message.target)
    if (pages.has(path)) return answerRoute(message, pages)
    if (path === tokenPath)
      return answerResourceTokenRequest(message, { ...guard, tell: observerFor(message) }, endpoint)
    if (path === revocationPath && revocations !== undefined)
      return answerRevocation(message, { ...guard, tell: observerFor(message) }, revocations.set)
    return answerRoute(message, documents)
  }
  return {
    paths: [
      ...documents.keys(),
      ...(context.authServers.length === 0 ? [] : [tokenPath]),
      ...(revocations === undefined ? [] : [revocationPath]),
      ...pages.keys(),
    ],
    answer: withCors(options.cors, answer),
  }
}

/** Conditions that a counter or a replay set of the operator's own, or this runtime, cannot keep. */
function unkeptBy({ counter, replay }: Guard): ConditionType[] {
  return [
    ...(counter.takeCall === undefined ? ['calls' as const] : []),
    ...(replay.takeToken === undefined ? ['approval' as const] : []),
    ...(knowsZones() ? [] : ['hours' as const]),
  ]
}

function documentsOf({ options, context, guard, routes, jwksPath, jwksUri }: OwnAnswersParts): Routes {
  const { id, scopes = {} } = options
  const { authServers } = context
  const isRevocable = guard.revocations !== undefined
  // Made anew each time: a route that is declared later may demand more components.
  const metadata = (): object =>
    metadataOf({
      id,
      jwksUri,
      authServers,
      scopes,
      isRevocable,
      words: options,
      components: routes.components(),
      unkept: [...routes.unkept(), ...unkeptBy(guard)],
    })
  const { downstream } = guard
  // bound: fixed
  return new Map([
    [metadataPath, read(() => documentResponse(metadata()))],
    [jwksPath, read(() => jwksResponse(options.keys))],
    ...(downstream === undefined
      ? []
      : [[agentMetadataPath, read(() => documentResponse(downstream.metadata))] as const]),
  ])
}

function read(answer: Route['answer']): Route {
  return { methods: ['GET', 'HEAD'], answer }
}

function refuseTarget(message: ReceivedMessage, now: () => number): Response | undefined {
  try {
    checkTarget(message)
    return undefined
  } catch (error) {
    return errorResponse(asAAuthError(error), { now })
  }
}
