import type { ReceivedMessage, ReplaySet } from '@countersign/httpsig'
import {
  type AAuthError,
  type AgentAuth,
  type AuthServerMetadata,
  answerRoute,
  asAAuthError,
  documentResponse,
  errorResponse,
  jwksResponse,
  type PublishedKey,
  privateResponse,
  type Route,
  type Routes,
} from '@countersign/protocol'
import { type IdentifiedCaller, peerOf, requestIdOf, type Verifier } from '@countersign/verify'
import { openRequest } from './authorize.js'
import { decideConsent, showConsent } from './consent.js'
import { deniedIn } from './decide.js'
import { answerDevice, type DeviceContext, showDevice } from './device.js'
import type { AuthServerEvent } from './event.js'
import { formOf, identify, type VerifiedCaller } from './identified-form.js'
import type { PageLimit } from './pages/page-limit.js'
import { errorPageResponse, pageRoute } from './pages/page-response.js'
import { revocation } from './revocation.js'
import { type TokenContext, tokenAnswer } from './token-answer.js'
import { parseTokenRequest } from './token-request.js'

/** What the routes of an auth server draw on. */
export interface RouteContext extends TokenContext {
  readonly metadata: AuthServerMetadata
  readonly keys: readonly PublishedKey[]
  readonly verifier: Verifier
  readonly replay: ReplaySet
  /** Request types that are answered. */
  readonly requestTypes: readonly string[]
  /** Absent where nobody signs in. */
  readonly pages?: DeviceContext & { readonly limit: PageLimit }
}

/** Answers each request with its route's answer or with its refusal; never throws. */
export function requestHandler(context: RouteContext): (message: ReceivedMessage) => Promise<Response> {
  const routes: Routes = new Map<string, Route>([
    ['/.well-known/aauth-issuer', { methods: ['GET', 'HEAD'], answer: () => documentResponse(context.metadata) }],
    ['/.well-known/jwks.json', { methods: ['GET', 'HEAD'], answer: () => jwksResponse(context.keys) }],
    [
      '/agent/token',
      {
        methods: ['POST'],
        answer: identified(context, async (message, { caller, verified }) =>
          privateResponse(
            await tokenAnswer(
              parseTokenRequest(formOf(message), context.requestTypes),
              { caller, discovery: verified.discovery },
              telling(context, message),
            ),
          ),
        ),
      },
    ],
    [
      '/agent/revoke',
      {
        methods: ['POST'],
        answer: identified(context, async (message, { caller }) =>
          privateResponse(await revocation(formOf(message), caller, telling(context, message))),
        ),
      },
    ],
    ...(context.pages === undefined ? [] : pageRoutes(context.pages, context)),
  ])
  return async message => {
    const throttled = overPageLimit(message, context)
    if (throttled !== undefined) return throttled
    try {
      return await answerRoute(message, routes)
    } catch (thrown) {
      return refusal(thrown, message, context)
    }
  }
}

/** Tells what is for a user's browser from what is for agents. */
export function isPage({ target }: Pick<ReceivedMessage, 'target'>): boolean {
  return /^\/(?:agent\/authorize|agent\/consent|device|login|logout)(?:[/?]|$)/.test(target)
}

/** The page that tells a network to wait: before anything is read, looked up or made for it. */
function overPageLimit(message: ReceivedMessage, context: RouteContext): Response | undefined {
  if (context.pages === undefined || !isPage(message)) return undefined
  try {
    context.pages.limit.take(message.peer)
    return undefined
  } catch (thrown) {
    const error = asAAuthError(thrown)
    report(error, message, context)
    return errorPageResponse(error)
  }
}

/** Where browsers come. */
function pageRoutes(pages: DeviceContext, context: RouteContext): ReadonlyArray<readonly [string, Route]> {
  const page = (
    methods: readonly string[],
    answer: (message: ReceivedMessage, pages: DeviceContext) => Promise<Response>,
  ): Route =>
    pageRoute(
      methods,
      message => answer(message, telling(pages, message)),
      (error, message) => report(error, message, context),
    )
  return [
    ['/agent/authorize', page(['GET'], openRequest)],
    [
      '/agent/consent',
      page(['GET', 'POST'], (message, told) =>
        message.method === 'GET' ? showConsent(message, told) : decideConsent(message, told),
      ),
    ],
    [
      '/device',
      page(['GET', 'POST'], (message, told) =>
        message.method === 'GET' ? showDevice(message, told) : answerDevice(message, told),
      ),
    ],
    ...pages.login.routes,
  ]
}

/** What is decided about one request is told under its name. */
function telling<C extends Pick<RouteContext, 'onEvent'>>(context: C, message: ReceivedMessage): C {
  const { onEvent } = context
  return { ...context, onEvent: (event: AuthServerEvent) => onEvent({ ...event, ...requestIdOf(message) }) }
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
  report(error, message, context, caller)
  const { code, status, algs } = error
  // A request that was seen before must not be signed again: the first one's outcome stands.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = { identity: true, ...(algs === undefined ? {} : { algs }) }
  return errorResponse(error, { now: context.now, ...(challenged ? { agentAuth } : {}) })
}

function report(error: AAuthError, message: ReceivedMessage, context: RouteContext, caller?: IdentifiedCaller): void {
  const { code, status, description, cause } = error
  context.onEvent({
    type: 'refused',
    code,
    status,
    description,
    ...(caller === undefined ? {} : { agent: caller.agent }),
    ...(caller?.delegate === undefined ? {} : { delegate: caller.delegate }),
    ...(cause === undefined ? {} : { cause }),
    ...deniedIn(cause),
    ...peerOf(message),
    ...requestIdOf(message),
  })
}
