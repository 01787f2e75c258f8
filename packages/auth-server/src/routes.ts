import { named } from '@countersign/audit/internal'
import type { SiteOf } from '@countersign/discovery'
import { type ReceivedMessage, type ReplaySet, readBody } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import {
  type AAuthError,
  type AgentAuth,
  type AgentMetadata,
  type AuthServerMetadata,
  errorResponse,
} from '@countersign/protocol'
import {
  answerRoute,
  asAAuthError,
  documentResponse,
  jwksResponse,
  privateResponse,
  type Route,
  type Routes,
} from '@countersign/protocol/internal'
import type { OwnKeys } from '@countersign/store/internal'
import type { Verifier } from '@countersign/verify'
import { showAccount, takeBackAccess, takeBackPath } from './account/account.js'
import type { AccountContext } from './account/account-context.js'
import { accountRoutes } from './account/account-routes.js'
import { accountPath } from './account/paths.js'
import {
  allowAgain,
  answerQuestionHere,
  approvalPath,
  approvalsPath,
  showApprovals,
  showQuestion,
  turnInbox,
} from './approval/account-approvals.js'
import type { Blocks } from './block/blocks.js'
import { openRequest } from './consent/authorize.js'
import { decideConsent, showConsent } from './consent/consent.js'
import { answerDevice, type DeviceContext, showDevice } from './consent/device.js'
import { linkCallbackPath, linkPath } from './consent/link.js'
import type { Linking } from './consent/open-request.js'
import { languagePath } from './pages/look.js'
import type { PageLimit } from './pages/page-limit.js'
import { errorPageResponse, pageRoute } from './pages/page-response.js'
import type { PageFacts } from './request/refused-event.js'
import { type RefusalFacts, refusedEvent } from './request/refused-event.js'
import type { AuthServerEndpoint } from './telemetry.js'
import { formOf, identify, type VerifiedCaller } from './token/identified-form.js'
import { answerRevocation } from './token/revocation.js'
import { answerToken } from './token/token-answer.js'
import type { TokenCall, TokenContext } from './token/token-context.js'
import { parseTokenRequest } from './token/token-request.js'

/** What the routes of an auth server use. */
export interface RouteContext extends Omit<TokenContext, 'blocks'> {
  readonly blocks: Blocks
  readonly metadata: AuthServerMetadata
  /** The metadata of this server as an agent. */
  readonly agentMetadata: AgentMetadata
  readonly keys: OwnKeys
  readonly verifier: Verifier
  readonly replay: ReplaySet
  /** The site of an agent, by which `replay` is shared out. */
  readonly siteOf?: SiteOf | undefined
  /** Request types that are answered. */
  readonly requestTypes: readonly string[]
  /** Absent where users cannot sign in. */
  readonly pages?: (PagesContext & { readonly limit: PageLimit }) | undefined
}

/** What the pages for users use. */
type PagesContext = DeviceContext & AccountContext

/** The routes of an auth server. */
export interface RequestHandler {
  /** Exactly as in a request target, without query. */
  readonly paths: readonly string[]
  /** Answers each request by its route, refusals included; never throws. */
  handle(message: ReceivedMessage): Promise<Response>
}

export function requestHandler(context: RouteContext): RequestHandler {
  const { agentMetadata } = context
  const routes: Routes = new Map<string, Route>([
    ['/.well-known/aauth-issuer', { methods: ['GET', 'HEAD'], answer: () => documentResponse(context.metadata) }],
    ['/.well-known/aauth-agent', { methods: ['GET', 'HEAD'], answer: () => documentResponse(agentMetadata) }],
    [
      '/.well-known/jwks.json',
      { methods: ['GET', 'HEAD'], answer: async () => jwksResponse(await context.keys.published()) },
    ],
    [
      '/agent/token',
      {
        methods: ['POST'],
        answer: identified(context, (who, note) => answerTokenRequest(who, note, context)),
      },
    ],
    [
      '/agent/revoke',
      {
        methods: ['POST'],
        answer: identified(context, async who => {
          const { message } = who.verified
          return privateResponse(await answerRevocation(formOf(message), who, named(context, message)))
        }),
      },
    ],
    ...(context.pages === undefined ? [] : pageRoutes(context.pages, context)),
  ])
  return {
    paths: [...routes.keys()],
    async handle(message) {
      try {
        if (!isPage(message)) return await answerRoute(message, routes)
        return (await overPageLimit(message, context)) ?? (await answerRoute(await readBody(message), routes))
      } catch (thrown) {
        return await refusal(thrown, { message }, context)
      }
    },
  }
}

/** Answers the token endpoint. A block that comes meanwhile wins: what was made for the caller is not sent. */
async function answerTokenRequest(
  { caller, verified, once }: VerifiedCaller,
  note: TokenCall['note'],
  context: RouteContext,
): Promise<Response> {
  const { message, discovery } = verified
  const blocks = context.blocks.ofCall()
  await blocks.check({ agents: [caller] })
  const answer = await answerToken(
    parseTokenRequest(formOf(message), context.requestTypes),
    { caller, discovery, note, once },
    { ...named(context, message), blocks },
  )
  await blocks.checkAgain()
  return privateResponse(answer)
}

/** What a request is for, as it is measured: a name of a closed set, whatever path a stranger asks for. */
export function endpointOf(message: Pick<ReceivedMessage, 'target'>): AuthServerEndpoint {
  const path = pathOf(message.target)
  if (path === '/agent/token') return 'token'
  if (path === '/agent/revoke') return 'revocation'
  if (documentPaths.has(path)) return 'document'
  return isPage(message) ? 'page' : 'other'
}

const documentPaths: ReadonlySet<string> = new Set([
  '/.well-known/aauth-issuer',
  '/.well-known/aauth-agent',
  '/.well-known/jwks.json',
])

/** Tells whether a request is for a page: those of browsers, not of agents. */
export function isPage({ target }: Pick<ReceivedMessage, 'target'>): boolean {
  return /^\/(?:agent\/authorize|agent\/consent|agent\/link|link\/callback|account|device|language|login|logout)(?:[/?]|$)/.test(
    target,
  )
}

/** Refuses a network that asks for too many pages, before any work is done for the request. */
async function overPageLimit(message: ReceivedMessage, context: RouteContext): Promise<Response | undefined> {
  if (context.pages === undefined) return undefined
  try {
    const { limit, login } = context.pages
    limit.take(message.peer, () => login.sessions.knownUser(message))
    return undefined
  } catch (thrown) {
    const error = asAAuthError(thrown)
    context.report.tell(refusedEvent(error, message))
    return errorPageResponse(error, { look: context.pages.looks.of(message) })
  }
}

/** The routes for browsers. */
function pageRoutes(pages: PagesContext, context: RouteContext): ReadonlyArray<readonly [string, Route]> {
  const known = new WeakMap<ReceivedMessage, PageFacts>()
  const page = (
    methods: readonly string[],
    answer: (message: ReceivedMessage, pages: PagesContext) => Promise<Response>,
  ): Route =>
    pageRoute(
      methods,
      message => answer(message, { ...named(pages, message), note: facts => void known.set(message, facts) }),
      {
        looks: pages.looks,
        onError: (error, message) => context.report.alone(refusedEvent(error, message, { page: known.get(message) })),
      },
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
    [languagePath, page(['GET'], async (message, { looks }) => looks.choose(message))],
    [accountPath, page(['GET', 'HEAD'], showAccount)],
    [takeBackPath, page(['POST'], takeBackAccess)],
    ...approvalRoutes(page),
    ...accountRoutes.map(({ path, methods, answer }) => [path, page(methods, answer)] as const),
    ...(pages.linking === undefined ? [] : linkRoutes(pages.linking, page)),
    ...pages.login.routes,
  ]
}

type Page = (
  methods: readonly string[],
  answer: (message: ReceivedMessage, pages: PagesContext) => Promise<Response>,
) => Route

function approvalRoutes(page: Page): ReadonlyArray<readonly [string, Route]> {
  return [
    [approvalsPath, page(['GET', 'HEAD'], showApprovals)],
    [`${approvalsPath}/inbox`, page(['POST'], turnInbox)],
    [`${approvalsPath}/allow`, page(['POST'], allowAgain)],
    [
      approvalPath,
      page(['GET', 'POST'], (message, told) =>
        message.method === 'GET' ? showQuestion(message, told) : answerQuestionHere(message, told),
      ),
    ],
  ]
}

function linkRoutes(linking: Linking, page: Page): ReadonlyArray<readonly [string, Route]> {
  return [
    [linkCallbackPath, page(['GET'], message => linking.callback(message))],
    [linkPath, page(['POST'], (message, told) => linking.decide(message, told.note))],
  ]
}

/** Runs `answer` for a verified caller. The event of a refusal names the caller and what else was verified. */
function identified(
  context: RouteContext,
  answer: (who: VerifiedCaller, note: TokenCall['note']) => Promise<Response>,
): (message: ReceivedMessage) => Promise<Response> {
  return async message => {
    const who = await identify(message, context)
    let known: RefusalFacts = { caller: who.caller }
    const note: TokenCall['note'] = more => {
      known = { ...known, ...more }
    }
    try {
      return await answer(who, note)
    } catch (thrown) {
      return await refusal(thrown, { message, known }, context)
    }
  }
}

async function refusal(
  thrown: unknown,
  { message, known }: { readonly message: ReceivedMessage; readonly known?: RefusalFacts },
  context: RouteContext,
): Promise<Response> {
  const error = await reportedRefusal(asAAuthError(thrown), { message, known }, context)
  const { code, status, algs } = error
  // No challenge for a replay: it would make the agent sign again a request that was already answered.
  const challenged = status === 401 && code !== 'replay_detected'
  const agentAuth: AgentAuth = { identity: true, ...(algs === undefined ? {} : { algs }) }
  return errorResponse(error, { now: context.now, ...(challenged ? { agentAuth } : {}) })
}

/** Reports a refusal before it is answered. One that could not be recorded is answered with that fault. */
async function reportedRefusal(
  error: AAuthError,
  { message, known }: { readonly message: ReceivedMessage; readonly known: RefusalFacts | undefined },
  { report }: RouteContext,
): Promise<AAuthError> {
  try {
    await report.alone(refusedEvent(error, message, known))
    return error
  } catch (thrown) {
    const fault = asAAuthError(thrown)
    report.tell(refusedEvent(fault, message, known))
    return fault
  }
}
