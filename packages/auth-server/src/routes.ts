import type { ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import {
  AAuthError,
  type AgentAuth,
  type AuthServerMetadata,
  asAAuthError,
  errorResponse,
  type PublishedKey,
} from '@countersign/protocol'
import type { IdentifiedCaller, Verifier } from '@countersign/verify'
import { jwksAnswer, metadataAnswer, privateAnswer } from './answer.js'
import { formOf, identify, type VerifiedCaller } from './identified-form.js'
import { revocation } from './revocation.js'
import { type TokenContext, tokenAnswer } from './token-answer.js'
import { parseTokenRequest } from './token-request.js'

/** What the routes of an auth server draw on. */
export interface RouteContext extends TokenContext {
  readonly metadata: AuthServerMetadata
  readonly keys: readonly PublishedKey[]
  readonly verifier: Verifier
  readonly replay: ReplaySet
}

interface Route {
  readonly methods: readonly string[]
  answer(message: ReceivedMessage): Response | Promise<Response>
}

/** Answers each request with its route's answer or with its refusal; never throws. */
export function requestHandler(context: RouteContext): (message: ReceivedMessage) => Promise<Response> {
  const routes: ReadonlyMap<string, Route> = new Map<string, Route>([
    ['/.well-known/aauth-issuer', { methods: ['GET', 'HEAD'], answer: () => metadataAnswer(context.metadata) }],
    ['/.well-known/jwks.json', { methods: ['GET', 'HEAD'], answer: () => jwksAnswer(context.keys) }],
    [
      '/agent/token',
      {
        methods: ['POST'],
        answer: identified(context, async (message, { caller, verified }) =>
          privateAnswer(await tokenAnswer(parseTokenRequest(formOf(message)), caller, verified.discovery, context)),
        ),
      },
    ],
    [
      '/agent/revoke',
      {
        methods: ['POST'],
        answer: identified(context, async (message, { caller }) =>
          privateAnswer(await revocation(formOf(message), caller, context)),
        ),
      },
    ],
  ])
  return async message => {
    try {
      return await routed(message, routes)
    } catch (thrown) {
      return refusal(thrown, message, context)
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

/** Runs `answer` for a verified caller, whose name a refusal then carries into the audit log. */
function identified(
  context: RouteContext,
  answer: (message: ReceivedMessage, who: VerifiedCaller) => Promise<Response>,
): (message: ReceivedMessage) => Promise<Response> {
  return async message => {
    const who = await identify(message, context)
    try {
      return await answer(message, who)
    } catch (thrown) {
      return refusal(thrown, message, context, who.caller)
    }
  }
}

function refusal(
  thrown: unknown,
  message: ReceivedMessage,
  context: RouteContext,
  caller?: IdentifiedCaller,
): Response {
  const error = asAAuthError(thrown)
  const { code, status, description, cause, algs } = error
  context.onEvent({
    type: 'refused',
    code,
    status,
    description,
    ...(caller === undefined ? {} : { agent: caller.agent }),
    ...(caller?.delegate === undefined ? {} : { delegate: caller.delegate }),
    ...(cause === undefined ? {} : { cause }),
    ...(message.peer === undefined ? {} : { peer: message.peer }),
  })
  // A request that was seen before must not be signed again: the first one's outcome stands.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = { identity: true, ...(algs === undefined ? {} : { algs }) }
  return errorResponse(error, { now: context.now, ...(challenged ? { agentAuth } : {}) })
}
