import type { AgentTokenClaims } from '@countersign/protocol'
import { boundedMap, isAmong, isObject } from '@countersign/protocol/internal'
import { AgentError } from '../error.js'
import { type DelegateSetup, type Enrolled, findTokenEndpoint, requestAgentToken } from './agent-token-request.js'
import type { Self, TokenReceiver } from './credentials.js'

type Delegate = Enrolled['self']

/** Receivers whose tokens are kept: a caller who chooses URLs must not fill the memory. */
const capacity = 64
/** Seconds before its end at which a token is no longer used. */
const margin = 30
/** Seconds until a receiver's own token is asked for again, after the agent server gave none. */
const pause = 60

/** The agent as one receiver sees it, and until when, in Unix seconds. */
interface Shown {
  readonly self: Promise<Self>
  until: number
}

/**
 * Returns the function that gets agent tokens for single receivers, for a delegate whose token has `delegation`: of a token for several,
 * each would see where else the delegate may go.
 * @see protocol §9.1 "Delegates"
 */
export function openAudience(
  self: Delegate,
  claims: Pick<AgentTokenClaims, 'aud' | 'delegation'>,
  setup: DelegateSetup,
): NonNullable<Self['at']> {
  const { now } = setup.context
  const tokens = boundedMap<string, Shown>(capacity)
  return async (receiver, tell) => {
    checkReceiver(receiver, claims)
    const { id } = receiver
    const known = tokens.get(id)
    if (known !== undefined && now() < known.until) return known.self
    const shown: Shown = { self: obtain(), until: Number.POSITIVE_INFINITY }
    tokens.set(id, shown)
    return shown.self
    async function obtain(): Promise<Self> {
      try {
        tell(setup.agentServer, 'renew', `getting an agent token for ${id} at ${setup.agentServer}`)
        const { token, claims: own } = await requestFor(id, self, setup)
        shown.until = own.exp - margin
        return { ...self, signatureKey: { scheme: 'jwt', jwt: token } }
      } catch (error) {
        if (!(error instanceof AgentError)) throw error
        // The token for all receivers is good here, too. It only tells this one of the others.
        tell(setup.agentServer, 'renew', `no agent token for ${id} alone: ${error.message}`)
        shown.until = now() + pause
        return self
      }
    }
  }
}

async function requestFor(
  id: string,
  { key, signatureKey, delegate }: Delegate,
  setup: DelegateSetup,
): ReturnType<typeof requestAgentToken> {
  const json = JSON.stringify({ aud: id })
  return requestAgentToken(
    { url: await findTokenEndpoint(setup), key, signatureKey, content: { json } },
    { key, delegate },
    setup,
  )
}

/** Lists of resources in the conditions; all else is for the receivers, which refuse what they do not know. */
function resourceLists(delegation: unknown): ReadonlyArray<readonly string[]> {
  const conditions: readonly unknown[] = Array.isArray(delegation) ? delegation : []
  return conditions.flatMap(each =>
    isObject(each) && each['type'] === 'resources' && Array.isArray(each['any']) ? [each['any']] : [],
  )
}

/** Checked before anything is sent: a receiver that is not meant must not even learn of the delegate. */
function checkReceiver(
  { id, kind }: TokenReceiver,
  { delegation, aud }: Pick<AgentTokenClaims, 'aud' | 'delegation'>,
): void {
  const isMeant =
    (aud === undefined || [aud].flat().includes(id)) &&
    (kind === 'auth server' || resourceLists(delegation).every(list => isAmong(list, id)))
  if (isMeant) return
  const message = `the delegation of this agent does not list this ${kind}, so nothing was sent`
  throw new AgentError('not_allowed', message, { receiver: id })
}
