import { type HeadJudgement, isSigned, pathOf, type ReceivedMessage, refusedHead } from '@countersign/httpsig'
import {
  type AAuthError,
  type AgentAuth,
  type AgentMetadata,
  answerRoute,
  asAAuthError,
  documentResponse,
  errorResponse,
  jwksResponse,
  privateResponse,
  type Route,
  type Routes,
} from '@countersign/protocol'
import { type Caller, peerOf, requestIdOf, telling } from '@countersign/verify'
import type { AgentServerEvent } from './event.js'
import type { OwnKeys } from './key/own-keys.js'
import { delegateRules, delegateToken, verifyDelegate } from './token/delegate-token.js'
import type { DelegateTokenContext } from './token/token-context.js'

/** Where delegates enrol, renew and rotate. */
export const delegateTokenPath = '/delegate/token'

/** What every answer of an agent server may draw on. */
export interface Published {
  readonly metadata: AgentMetadata
  readonly keys: OwnKeys
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

/** The paths of an agent server, each exactly, and what they answer. */
export interface RequestHandler {
  readonly paths: readonly string[]
  /** Answers each request with its route's answer or with its refusal; never throws. */
  handle(message: ReceivedMessage): Promise<Response>
  /** Judges a request by its head, before its body is read. */
  judgeHead(head: ReceivedMessage): HeadJudgement
}

/** Publishes an agent; with `context` its delegates get tokens, too. */
export function requestHandler(published: Published, context?: DelegateTokenContext): RequestHandler {
  const routes: Routes = new Map<string, Route>([
    ['/.well-known/aauth-agent', { methods: ['GET', 'HEAD'], answer: () => documentResponse(published.metadata) }],
    [
      '/.well-known/jwks.json',
      { methods: ['GET', 'HEAD'], answer: async () => jwksResponse(await published.keys.published()) },
    ],
    ...(context === undefined ? [] : [delegateTokenRoute(published, context)]),
  ])
  return {
    paths: [...routes.keys()],
    async handle(message) {
      try {
        return await answerRoute(message, routes)
      } catch (thrown) {
        return refusal(asAAuthError(thrown), message, published)
      }
    },
    judgeHead(head) {
      if (context === undefined || head.method !== 'POST' || pathOf(head.target) !== delegateTokenPath) return 'whole'
      return isSigned(head) ? context.verifier.judgeHead(head, delegateRules) : refusedHead(head)
    },
  }
}

function delegateTokenRoute(published: Published, context: DelegateTokenContext): readonly [string, Route] {
  const answer = async (message: ReceivedMessage): Promise<Response> => {
    const verified = await verifyDelegate(message, context)
    try {
      return privateResponse(await delegateToken(message, verified, telling(context, message)))
    } catch (thrown) {
      return refusal(asAAuthError(thrown), message, published, verified.caller)
    }
  }
  return [delegateTokenPath, { methods: ['POST'], answer }]
}

function refusal(error: AAuthError, message: ReceivedMessage, published: Published, caller?: Caller): Response {
  const { code, status, description, cause, algs } = error
  published.onEvent({
    type: 'refused',
    code,
    status,
    description,
    ...(caller?.level === 'identified' && caller.delegate !== undefined ? { sub: caller.delegate } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...peerOf(message),
    ...requestIdOf(message),
  })
  // A request that was seen before must not be signed again: the first one's outcome stands.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = algs === undefined ? {} : { algs }
  return errorResponse(error, { now: published.now, ...(challenged ? { agentAuth } : {}) })
}
