import { canonicalScope } from '../grant/grants.js'
import { queues } from '../state/queue.js'
import type { AgentState } from '../state/state.js'
import { runExclusively } from '../state/state-keys.js'

/** A user who was asked and has not come back. Whoever reads it could answer in the user's place. */
export interface PendingInteraction {
  /** The agent and delegate that asked. */
  readonly owner: string
  /** The auth server, or the resource where that asks its user itself: `scope` and `requestToken` are empty then. */
  readonly issuer: string
  readonly resource: string
  /** What was asked for, in canonical spelling. */
  readonly scope: string
  readonly state: string
  readonly requestToken: string
  readonly redirectUri: string
  /** Where the user decides. */
  readonly url: string
  /** Unix seconds. */
  readonly begun: number
  /** Unix seconds until which an answer is taken. */
  readonly expires: number
  /** What a resource's own page answered, until a request carries it: the user has come back then. */
  readonly code?: string
}

/** What one user was asked, kept in that user's state: nothing of it is found from another's. */
export interface PendingInteractions {
  add(pending: PendingInteraction): Promise<void>
  /** The same request, begun a moment ago, whose answer goes to the same place. */
  findRecent(like: InteractionKey): Promise<PendingInteraction | undefined>
  /** Takes one, which nobody finds again. */
  take(wanted: (pending: PendingInteraction) => boolean): Promise<PendingInteraction | undefined>
  /** Removes what has expired. */
  prune(): Promise<void>
}

/** What makes two interactions the same. */
export interface InteractionKey {
  readonly owner: string
  readonly issuer: string
  readonly resource: string
  readonly scope: readonly string[]
  readonly redirectUri: string
}

/** Kept per user: whoever makes a user's agent ask again and again must not fill the state. */
const maxPerUser = 16
/** Seconds in which a second call joins; later the link may have been used up somewhere the agent cannot see. */
const joinable = 120

const stateKey = 'interactions'

export function openPendingInteractions(state: AgentState, now: () => number): PendingInteractions {
  const read = async (): Promise<readonly PendingInteraction[]> =>
    parsePending(await state.read(stateKey)).filter(({ expires }) => expires > now())
  const inOrder = queues()
  // Taken by one: a callback that comes twice at once answers once, in all processes that share the state.
  const runAlone = <T>(task: () => Promise<T>): Promise<T> =>
    inOrder(stateKey, () => runExclusively(state, stateKey, task))
  const write = (list: readonly PendingInteraction[]): Promise<void> =>
    list.length === 0 ? state.remove(stateKey) : state.write(stateKey, list)
  return {
    add: pending => runAlone(async () => write([pending, ...(await read())].slice(0, maxPerUser))),
    async findRecent({ owner, issuer, resource, scope, redirectUri }) {
      const wanted = [owner, issuer, resource, canonicalScope(scope), redirectUri].join(' ')
      return (await read()).find(
        o =>
          [o.owner, o.issuer, o.resource, o.scope, o.redirectUri].join(' ') === wanted &&
          o.code === undefined &&
          o.begun + joinable > now(),
      )
    },
    take: wanted =>
      runAlone(async () => {
        const list = await read()
        const found = list.find(wanted)
        if (found !== undefined) await write(list.filter(pending => pending !== found))
        return found
      }),
    prune: () => runAlone(async () => write(await read())),
  }
}

function parsePending(value: unknown): readonly PendingInteraction[] {
  return Array.isArray(value) ? value.filter(isPending) : []
}

const texts = ['owner', 'issuer', 'resource', 'scope', 'state', 'requestToken', 'redirectUri', 'url'] as const

/** Entries of another version are left out: the user is then asked again. */
function isPending(value: unknown): value is PendingInteraction {
  const members = (value ?? {}) as Partial<Record<keyof PendingInteraction, unknown>>
  return (
    texts.every(name => typeof members[name] === 'string') &&
    [members.begun, members.expires].every(time => typeof time === 'number') &&
    ['string', 'undefined'].includes(typeof members.code)
  )
}
