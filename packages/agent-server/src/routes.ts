import type { ReceivedMessage } from '@countersign/httpsig'
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
import { peerOf } from '@countersign/verify'
import { delegateToken } from './delegate-token.js'
import type { DelegateTokenContext } from './delegate-token-context.js'
import type { AgentServerEvent } from './event.js'
import type { OwnKeys } from './own-keys.js'

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
}

/** Publishes an agent; with `context` its delegates get tokens, too. */
export function requestHandler(published: Published, context?: DelegateTokenContext): RequestHandler {
  const routes: Routes = new Map<string, Route>([
    ['/.well-known/aauth-agent', { methods: ['GET', 'HEAD'], answer: () => documentResponse(published.metadata) }],
    [
      '/.well-known/jwks.json',
      { methods: ['GET', 'HEAD'], answer: async () => jwksResponse(await published.keys.published()) },
    ],
    ...(context === undefined ? [] : [delegateTokenRoute(context)]),
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
  }
}

function delegateTokenRoute(context: DelegateTokenContext): readonly [string, Route] {
  return [
    delegateTokenPath,
    { methods: ['POST'], answer: async message => privateResponse(await delegateToken(message, context)) },
  ]
}

function refusal(error: AAuthError, message: ReceivedMessage, published: Published): Response {
  const { code, status, description, cause, algs } = error
  published.onEvent({
    type: 'refused',
    code,
    status,
    description,
    ...(cause === undefined ? {} : { cause }),
    ...peerOf(message),
  })
  // A request that was seen before must not be signed again: the first one's outcome stands.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = algs === undefined ? {} : { algs }
  return errorResponse(error, { now: published.now, ...(challenged ? { agentAuth } : {}) })
}
