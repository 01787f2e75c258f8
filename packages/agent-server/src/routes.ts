import type { ReceivedMessage } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentAuth,
  type AgentMetadata,
  asAAuthError,
  errorResponse,
  type PublishedKey,
} from '@countersign/protocol'
import { jwksAnswer, metadataAnswer, tokenAnswer } from './answer.js'
import { type DelegateTokenContext, delegateToken } from './delegate-token.js'
import type { AgentServerEvent } from './event.js'

/** What every answer of an agent server may draw on. */
export interface Published {
  readonly metadata: AgentMetadata
  readonly keys: readonly PublishedKey[]
  readonly now: () => number
  readonly onEvent: (event: AgentServerEvent) => void
}

interface Route {
  readonly methods: readonly string[]
  answer(message: ReceivedMessage): Response | Promise<Response>
}

/** Answers each request with its route's answer or with its refusal; never throws. */
export function requestHandler(
  published: Published,
  context: DelegateTokenContext,
): (message: ReceivedMessage) => Promise<Response> {
  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ['/.well-known/aauth-agent', { methods: ['GET', 'HEAD'], answer: () => metadataAnswer(published.metadata) }],
    ['/.well-known/jwks.json', { methods: ['GET', 'HEAD'], answer: () => jwksAnswer(published.keys) }],
    [
      '/delegate/token',
      { methods: ['POST'], answer: async message => tokenAnswer(await delegateToken(message, context)) },
    ],
  ])
  return async message => {
    try {
      return await routed(message, routes)
    } catch (thrown) {
      return refusal(asAAuthError(thrown), message, published)
    }
  }
}

async function routed(message: ReceivedMessage, routes: ReadonlyMap<string, Route>): Promise<Response> {
  const [path = ''] = message.target.split('?', 1)
  const route = routes.get(path)
  if (route === undefined) {
    return errorResponse(new AAuthError('invalid_request', 'nothing is served at this path', { status: 404 }))
  }
  if (!route.methods.includes(message.method)) {
    const error = new AAuthError('invalid_request', 'this method is not allowed here', { status: 405 })
    return errorResponse(error, { headers: [['allow', route.methods.join(', ')]] })
  }
  const response = await route.answer(message)
  return message.method === 'HEAD' ? new Response(null, response) : response
}

function refusal(error: AAuthError, message: ReceivedMessage, published: Published): Response {
  const { code, status, description, cause, algs } = error
  published.onEvent({
    type: 'refused',
    code,
    status,
    description,
    ...(cause === undefined ? {} : { cause }),
    ...(message.peer === undefined ? {} : { peer: message.peer }),
  })
  // A request that was seen before must not be signed again: the first one's outcome stands.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = algs === undefined ? {} : { algs }
  return errorResponse(error, { now: published.now, ...(challenged ? { agentAuth } : {}) })
}
