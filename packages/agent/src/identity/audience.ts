import type { AgentTokenClaims, Condition } from '@countersign/protocol'
import { boundedMap, conditionHolds, isObject } from '@countersign/protocol/internal'
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
  // bound: 64 receivers; bytes: 64 × a token of 8 KiB; grown by a stranger; shared: by use: the one unused for longest
  // goes, and its token is asked for again; filled by bounded-collections-fills.test.ts "a bounded map"
  const tokens = boundedMap<string, Shown>(capacity)
  return async (receiver, tell) => {
    checkReceiver(receiver, claims, now())
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

/** What an agent knows of a request: its conditions of other types need the request, a count, a purpose or a chain. */
const known = ['until', 'hours', 'resources', 'scopes'] as const
type Known = Extract<Condition, { readonly type: (typeof known)[number] }>

/**
 * Checked before anything is sent: a receiver that is not meant must not even learn of the delegate, and one that would refuse it need
 * not. Receivers judge all of it themselves, with their own clock.
 */
function checkReceiver(
  receiver: TokenReceiver,
  { delegation, aud }: Pick<AgentTokenClaims, 'aud' | 'delegation'>,
  now: number,
): void {
  const { id, kind } = receiver
  if (aud !== undefined && ![aud].flat().includes(id)) throw notListedError(receiver)
  const conditions: readonly unknown[] = Array.isArray(delegation) ? delegation : []
  for (const type of known) {
    // An auth server is no resource: it judges the one that its token is for.
    if (type === 'resources' && kind === 'auth server') continue
    if (conditions.every(each => !isReadable(each, type) || holds(each, receiver, now))) continue
    if (type === 'resources') throw notListedError(receiver)
    // policy.delegates.agent
    throw new AgentError(
      'not_allowed',
      `the condition \`${type}\` of the delegation of this agent does not hold, so nothing was sent`,
      { receiver: id, condition: type },
    )
  }
}

function notListedError({ id, kind }: TokenReceiver): AgentError {
  const message = `the delegation of this agent does not list this ${kind}, so nothing was sent`
  return new AgentError('not_allowed', message, { receiver: id })
}

/** Whether a condition has the form of its type. All else is for the receivers, which refuse what they cannot read. */
function isReadable(condition: unknown, type: (typeof known)[number]): condition is Known {
  if (!isObject(condition) || condition['type'] !== type) return false
  const { any, time, zone, days, from, to } = condition
  if (type === 'until') return typeof time === 'number'
  if (type === 'hours') return Array.isArray(days) && [zone, from, to].every(member => typeof member === 'string')
  return Array.isArray(any)
}

function holds(condition: Known, { id, scope = [] }: TokenReceiver, now: number): boolean {
  try {
    return conditionHolds(condition, { now, resource: id, scope, levels: 0, services: [] })
  } catch {
    // A platform without this time zone, such as a page without its data: the receiver knows.
    return true
  }
}
