import { named } from '@countersign/audit/internal'
import type { SiteOf } from '@countersign/discovery'
import { type ReceivedMessage, type ReplaySet, readBody } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import { answerRefusal } from '@countersign/issuer/internal'
import type { AAuthError, AgentMetadata, AuthServerMetadata } from '@countersign/protocol'
import {
  answerRoute,
  documentResponse,
  jwksResponse,
  privateResponse,
  type Route,
  type Routes,
} from '@countersign/protocol/internal'
import type { OwnKeys } from '@countersign/store/internal'
import type { Verifier } from '@countersign/verify'
import type { Blocks } from './block/blocks.js'
import type { UserDesk } from './desk.js'
import type { AuthServerEvent } from './event/event.js'
import { openedLink } from './request/opened-link.js'
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
  readonly desk?: UserDesk | undefined
}

/** The routes of an auth server. */
export interface RequestHandler {
  /** Exactly as in a request target, without query. */
  readonly paths: readonly string[]
  /** What a request is for, as it is measured: a name of a closed set, whatever path a stranger asks for. */
  endpointOf(message: Pick<ReceivedMessage, 'target'>): AuthServerEndpoint
  /** Answers each request by its route, refusals included; never throws. */
  handle(message: ReceivedMessage): Promise<Response>
}

export function requestHandler(context: RouteContext): RequestHandler {
  const { agentMetadata } = context
  // bound: fixed
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
  ])
  const { desk } = context
  const pages = pagesOf(context)
  return {
    paths: [...routes.keys(), ...pages.keys()],
    endpointOf({ target }) {
      const path = pathOf(target)
      if (path === '/agent/token') return 'token'
      if (path === '/agent/revoke') return 'revocation'
      if (routes.has(path)) return 'document'
      return pages.has(path) ? 'page' : 'other'
    },
    async handle(message) {
      try {
        if (!pages.has(pathOf(message.target))) return await answerRoute(message, routes)
        return desk?.overLimit(message) ?? (await answerRoute(await readBody(message), pages))
      } catch (thrown) {
        return await refusal(thrown, { message }, context)
      }
    },
  }
}

/** The routes for browsers: none without a desk. */
function pagesOf(context: RouteContext): Routes {
  const { desk } = context
  // bound: fixed
  if (desk === undefined) return new Map()
  const answer: Route['answer'] = message => desk.ask(message, note => openedLink(message, { ...context, note }))
  // bound: fixed
  return new Map<string, Route>([['/agent/authorize', { methods: ['GET'], answer }], ...desk.routes])
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

function refusal(
  thrown: unknown,
  { message, known }: { readonly message: ReceivedMessage; readonly known?: RefusalFacts },
  { report, now }: RouteContext,
): Promise<Response> {
  const eventOf = (error: AAuthError): AuthServerEvent => refusedEvent(error, message, known)
  return answerRefusal(thrown, { report, eventOf, asks: { identity: true }, now })
}
