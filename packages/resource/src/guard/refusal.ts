import { type AAuthError, type AgentAuth, errorResponse } from '@countersign/protocol'
import { asAAuthError } from '@countersign/protocol/internal'
import type { Caller } from '@countersign/verify'
import { refuseAsking } from './conditions.js'
import type { Refusal } from './decision.js'
import type { ResourceTokenAsk, ResourceTokens } from './resource-token.js'

/** What it takes to turn a refusal into its answer. */
export interface RefusalContext {
  readonly tokens: ResourceTokens
  readonly authServers: readonly string[]
  /** The identifier of the resource. */
  readonly id: string
  readonly now: () => number
  /** The name of the refused request in logs. */
  readonly request_id?: string | undefined
  /** The signature base of the refused request, if it verified: a repetition gets the same resource token. */
  readonly base?: string | undefined
}

/** A refusal as it is answered: the error may be another than the one decided, when no resource token could be issued. */
export interface Answer {
  readonly error: AAuthError
  readonly response: Response
}

/**
 * Maps a refusal to its HTTP answer, with the challenge that would help.
 * @param caller the verified caller, where verification succeeded
 * @see protocol §4
 */
export async function answerRefusal(
  refusal: Refusal,
  caller: Caller | undefined,
  context: RefusalContext,
): Promise<Answer> {
  try {
    const agentAuth = await challenge(refusal, caller, context)
    return { error: refusal.error, response: respond(refusal.error, agentAuth, context) }
  } catch (thrown) {
    const error = asAAuthError(thrown)
    return { error, response: respond(error, undefined, context) }
  }
}

function respond(error: AAuthError, agentAuth: AgentAuth | undefined, context: RefusalContext): Response {
  return errorResponse(error, {
    ...(agentAuth === undefined ? {} : { agentAuth }),
    headers: [['vary', 'Signature-Key']],
    now: context.now,
  })
}

async function challenge(
  refusal: Refusal,
  caller: Caller | undefined,
  context: RefusalContext,
): Promise<AgentAuth | undefined> {
  const { error, ask, scope = [] } = refusal
  const algs = error.algs === undefined ? {} : { algs: error.algs }
  switch (ask) {
    case 'nothing':
      return undefined
    case 'signature':
      return algs
    case 'identity':
      return { identity: true, ...algs }
    case 'authorization':
      return authorization(caller, { scope, operation: refusal.operation }, context)
    case 'user':
      return refusal.userInteraction === undefined ? undefined : { userInteraction: refusal.userInteraction }
  }
}

async function authorization(
  caller: Caller | undefined,
  { scope, operation }: Pick<ResourceTokenAsk, 'scope' | 'operation'>,
  context: RefusalContext,
): Promise<AgentAuth> {
  // A token minted for an agent that was only claimed would be a token for anyone's name (RST-22).
  if (caller?.level !== 'identified' && caller?.level !== 'authorized') return { identity: true }
  const authServer = caller.level === 'authorized' ? caller.issuer : context.authServers[0]
  if (authServer === undefined) throw new TypeError('a route that asks for scope needs authServers')
  // Of every challenge: one after a limit or by a policy comes after the check of level and scope.
  const denied = refuseAsking(caller, { id: context.id, now: context.now, scope })
  if (denied !== undefined) throw denied.error
  const { request_id, base, tokens } = context
  const ask = { scope, authServer, request_id, operation }
  // Only a signed request has a caller with an identity.
  if (base === undefined) throw new TypeError('a request with an identity has a signature base')
  return { authToken: true, resourceToken: await tokens.challenge(caller, ask, base), authServer }
}
