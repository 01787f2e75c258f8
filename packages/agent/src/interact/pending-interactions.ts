import { canonicalScope } from '../grant/grants.js'
import { queues } from '../state/queue.js'
import type { AgentState } from '../state/state.js'
import { runExclusively } from '../state/state-keys.js'

/** A question that a user has not answered yet. Secret: a reader could answer in the user's place. */
export interface PendingInteraction {
  /** The agent and delegate that asked. */
  readonly owner: string
  /** The auth server; or the resource when it asks its user itself, with an empty `scope` and `requestToken`. */
  readonly issuer: string
  readonly resource: string
  /** The requested scope, in canonical spelling. */
  readonly scope: string
  readonly state: string
  readonly requestToken: string
  readonly redirectUri: string
  /** Where the user decides. */
  readonly url: string
  /** When the user was asked, in Unix seconds. */
  readonly begun: number
  /** When answers are no longer accepted, in Unix seconds. */
  readonly expires: number
  /** The purposes that were asked for. */
  readonly purposes?: string | undefined
  /** The digest of the one request that a user is asked to approve. */
  readonly digest?: string | undefined
  /** The code of a resource's own page, until a request carries it. With it the user has answered. */
  readonly code?: string
}

/** The pending interactions of one user, in that user's state. */
export interface PendingInteractions {
  add(pending: PendingInteraction): Promise<void>
  /** Returns an unanswered interaction with this key that began a moment ago. */
  findRecent(like: InteractionKey): Promise<PendingInteraction | undefined>
  /** Removes an interaction and returns it, so that it is found once only. */
  take(wanted: (pending: PendingInteraction) => boolean): Promise<PendingInteraction | undefined>
  /** Removes the expired interactions. */
  prune(): Promise<void>
}

/** Interactions with the same key are one question to the user. */
export interface InteractionKey {
  readonly owner: string
  readonly issuer: string
  readonly resource: string
  readonly scope: readonly string[]
  readonly redirectUri: string
  readonly purposes?: string | undefined
  readonly digest?: string | undefined
}

/** Interactions per user: a site that makes the agent ask again and again must not fill the state. */
const maxPerUser = 16
/** Seconds in which a second call uses the same link. Later the link may be spent, which the agent cannot see. */
const joinable = 120

const stateKey = 'interactions'

export function openPendingInteractions(state: AgentState, now: () => number): PendingInteractions {
  const read = async (): Promise<readonly PendingInteraction[]> =>
    parsePending(await state.read(stateKey)).filter(({ expires }) => expires > now())
  const inOrder = queues()
  // One at a time, in all processes that share the state: a callback that comes twice at once counts once (replay).
  const runAlone = <T>(task: () => Promise<T>): Promise<T> =>
    inOrder(stateKey, () => runExclusively(state, stateKey, task))
  const write = (list: readonly PendingInteraction[]): Promise<void> =>
    list.length === 0 ? state.remove(stateKey) : state.write(stateKey, list)
  return {
    add: pending => runAlone(async () => write([pending, ...(await read())].slice(0, maxPerUser))),
    async findRecent(like) {
      const wanted = questionOf({ ...like, scope: canonicalScope(like.scope) })
      return (await read()).find(o => questionOf(o) === wanted && o.code === undefined && o.begun + joinable > now())
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

const questionOf = (o: Omit<InteractionKey, 'scope'> & { readonly scope: string }): string =>
  [o.owner, o.issuer, o.resource, o.scope, o.redirectUri, o.purposes, o.digest].join(' ')

function parsePending(value: unknown): readonly PendingInteraction[] {
  return Array.isArray(value) ? value.filter(isPending) : []
}

const texts = ['owner', 'issuer', 'resource', 'scope', 'state', 'requestToken', 'redirectUri', 'url'] as const

/** Whether an entry is an interaction. Entries of another version are left out: the user is then asked again. */
function isPending(value: unknown): value is PendingInteraction {
  const members = (value ?? {}) as Partial<Record<keyof PendingInteraction, unknown>>
  return (
    texts.every(name => typeof members[name] === 'string') &&
    [members.begun, members.expires].every(time => typeof time === 'number') &&
    [members.code, members.purposes, members.digest].every(o => ['string', 'undefined'].includes(typeof o))
  )
}
