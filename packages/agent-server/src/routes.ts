import { named, type Reporter } from '@countersign/audit/internal'
import type { ReceivedMessage } from '@countersign/httpsig'
import { pathOf } from '@countersign/httpsig/internal'
import { answerRefusal } from '@countersign/issuer/internal'
import type { AAuthError, AgentMetadata } from '@countersign/protocol'
import {
  answerRoute,
  botDirectoryPath,
  documentResponse,
  jwksResponse,
  privateResponse,
  type Route,
  type Routes,
} from '@countersign/protocol/internal'
import type { OwnKeys } from '@countersign/store/internal'
import type { Caller } from '@countersign/verify'
import { peerOf, requestIdOf } from '@countersign/verify/internal'
import { botDirectory, type WebBotKeys } from './bot-directory.js'
import type { AgentServerEvent } from './event.js'
import type { AgentServerEndpoint } from './telemetry.js'
import { delegateToken, verifyDelegate } from './token/delegate-token.js'
import type { DelegateTokenContext } from './token/token-context.js'

/** Where delegates enrol, renew and rotate. */
export const delegateTokenPath = '/delegate/token'

/** What a request is for, as it is measured: a name of a closed set, whatever path a stranger asks for. */
export function endpointOf({ target }: Pick<ReceivedMessage, 'target'>): AgentServerEndpoint {
  const path = pathOf(target)
  if (path === delegateTokenPath) return 'delegate_token'
  return path === agentPath || path === jwksPath || path === botDirectoryPath ? 'document' : 'other'
}

const agentPath = '/.well-known/aauth-agent'
const jwksPath = '/.well-known/jwks.json'

/** What the routes of an agent server use. */
export interface Published {
  readonly metadata: AgentMetadata
  readonly keys: OwnKeys
  /** The keys of bots, where it publishes some. */
  readonly botKeys?: WebBotKeys['keys'] | undefined
  readonly now: () => number
  readonly report: Pick<Reporter<AgentServerEvent>, 'alone' | 'tell'>
}

/** The exact paths of an agent server, and their handler. */
export interface RequestHandler {
  readonly paths: readonly string[]
  /** Answers each request with its route's answer or with its refusal; never throws. */
  handle(message: ReceivedMessage): Promise<Response>
}

/** Creates the handler of a published agent. With `context` it also serves the delegate token endpoint. */
export function requestHandler(published: Published, context?: DelegateTokenContext): RequestHandler {
  // bound: fixed
  const routes: Routes = new Map<string, Route>([
    [agentPath, { methods: ['GET', 'HEAD'], answer: () => documentResponse(published.metadata) }],
    [jwksPath, { methods: ['GET', 'HEAD'], answer: async () => jwksResponse(await published.keys.published()) }],
    ...botDirectoryRoute(published),
    ...(context === undefined ? [] : [delegateTokenRoute(published, context)]),
  ])
  return {
    paths: [...routes.keys()],
    async handle(message) {
      try {
        return await answerRoute(message, routes)
      } catch (thrown) {
        return await refuse(thrown, { message }, published)
      }
    },
  }
}

function botDirectoryRoute({ botKeys, metadata, keys, now }: Published): Array<readonly [string, Route]> {
  if (botKeys === undefined) return []
  const answer = botDirectory({ id: metadata.agent, keys: botKeys, own: () => keys.published(), now })
  return [[botDirectoryPath, { methods: ['GET', 'HEAD'], answer }]]
}

function delegateTokenRoute(published: Published, context: DelegateTokenContext): readonly [string, Route] {
  const answer = async (message: ReceivedMessage): Promise<Response> => {
    const head = await verifyDelegate(message, context)
    try {
      return privateResponse(await delegateToken(head, named(context, message)))
    } catch (thrown) {
      return await refuse(thrown, { message, caller: head.caller }, published)
    }
  }
  return [delegateTokenPath, { methods: ['POST'], answer }]
}

function refuse(
  thrown: unknown,
  { message, caller }: { readonly message: ReceivedMessage; readonly caller?: Caller },
  { report, now }: Published,
): Promise<Response> {
  const eventOf = (error: AAuthError): AgentServerEvent => refusedEvent(error, { message, caller })
  return answerRefusal(thrown, { report, eventOf, asks: {}, now })
}

function refusedEvent(
  { code, reason, status, description, cause }: AAuthError,
  { message, caller }: { readonly message: ReceivedMessage; readonly caller: Caller | undefined },
): AgentServerEvent {
  return {
    type: 'refused',
    code,
    reason,
    status,
    description,
    ...(caller?.level === 'identified' && caller.delegate !== undefined ? { sub: caller.delegate } : {}),
    ...(cause === undefined ? {} : { cause }),
    ...peerOf(message),
    ...requestIdOf(message),
  }
}
