import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentError, type DeviceCode, type Interact, type VisitUrl } from '@countersign/agent'

/** Where a user can agree, and in which words the failed call says so. */
interface Where {
  readonly url: string
  readonly text: string
}

/** What takes a user's way to where nobody can be reached at once. */
export interface Later {
  readonly open: VisitUrl
  readonly show: (code: DeviceCode) => void
}

interface Asking {
  /** Where the user can agree. */
  readonly where: Promise<Where>
  readonly outcome: Promise<unknown>
  /** A call has failed with that place: asking outlives it. */
  isTold: boolean
  isOver: boolean
  abandon(): void
}

/** Questions that are kept for calls to come. A server names scopes as it likes, and few of its questions are asked twice. */
const mostKept = 64

/** Milliseconds for what a browser has just brought to become a grant, before a call fails with the link once more. */
const patience = 2000

/** Where the user can agree; somewhat later for who was told before: the answer may be on its way. */
async function placeOf({ where, isTold }: Asking): Promise<Where> {
  if (isTold) await sleep(patience, undefined, { ref: false })
  return where
}

/** The user has not decided yet. */
class StillAsked extends Error {
  readonly #where: Where

  constructor(where: Where) {
    super()
    this.#where = where
  }

  told(): AgentError {
    return new AgentError('interaction_required', this.#where.text, undefined, this.#where.url)
  }
}

/** How users are asked, and how asking ends with the bridge. */
export interface AskingLater {
  readonly interact: Interact
  /** Ends the listeners and the waiting. */
  stop(): void
}

/**
 * Asks users whom nobody can reach while a call waits: the call fails at once, with where they can agree in its error, and the
 * next one goes on from what they have decided. Nothing of a call that has failed is sent after that.
 * @param make makes how users are asked otherwise
 */
export function askLater(make: (later: Later) => Interact): AskingLater {
  const told = new AsyncLocalStorage<(where: Where) => void>()
  const stopped = new AbortController()
  const asking = new Map<string, Asking>()
  const inner = make({
    open: url =>
      told.getStore()?.({
        url,
        text: 'a user must agree first, in a browser of this machine (--device shows a code for any device)',
      }),
    show: ({ verification_uri: url, user_code }) =>
      told.getStore()?.({ url, text: `a user must agree first, on any device, by typing in ${user_code}` }),
  })

  function begin(key: string, run: (abandoned: AbortSignal) => Promise<unknown>, waits: AbortSignal): Asking {
    const abandoned = new AbortController()
    const abandon = (): void => abandoned.abort()
    waits.addEventListener('abort', () => begun.isTold || abandon(), { once: true })
    stopped.signal.addEventListener('abort', abandon, { once: true })
    let reach: (where: Where) => void = () => undefined
    const where = new Promise<Where>(resolve => {
      reach = resolve
    })
    const outcome = told.run(reach, run, abandoned.signal)
    const begun: Asking = { where, outcome, isTold: false, isOver: false, abandon }
    const over = (): void => {
      begun.isOver = true
      stopped.signal.removeEventListener('abort', abandon)
    }
    // An error is told to the call that comes next, and to none where none comes.
    begun.outcome.then(over, over)
    forgetOldest()
    asking.set(key, begun)
    return begun
  }

  function forgetOldest(): void {
    for (const [key, oldest] of asking) {
      if (asking.size < mostKept) return
      asking.delete(key)
      oldest.abandon()
    }
  }

  async function later<T>(key: string, run: (abandoned: AbortSignal) => Promise<T>, waits: AbortSignal): Promise<T> {
    const one = asking.get(key) ?? begin(key, run, waits)
    try {
      const where = one.isOver ? undefined : await Promise.race([one.outcome.then(() => undefined), placeOf(one)])
      if (where !== undefined) {
        one.isTold = true
        throw new StillAsked(where)
      }
      const outcome = await one.outcome
      asking.delete(key)
      return outcome as T
    } catch (error) {
      if (!(error instanceof StillAsked)) asking.delete(key)
      throw error instanceof StillAsked ? error.told() : error
    }
  }

  const interact: Interact = {
    kind: inner.kind,
    open(context) {
      const userInteraction = inner.open(context)
      return {
        ...userInteraction,
        obtainGrant: request => {
          const { asked, user } = request
          const key = JSON.stringify([user, asked.issuer, asked.resource, asked.scope])
          return later(key, abandoned => userInteraction.obtainGrant({ ...request, abandoned }), request.abandoned)
        },
      }
    },
  }
  return { interact, stop: () => stopped.abort() }
}
