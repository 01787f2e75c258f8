import { AAuthError } from '@countersign/protocol'
import { withinDeadline } from './deadline.js'
import type { DiscoveryEvent, FetchOutcome } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { type SlotRequest, type Slots, sharesOf } from './slots.js'
import { Unreachable } from './unreachable.js'

/** Fetches that are under way, at most one for a URL. */
export interface SharedFetches {
  /**
   * Joins the fetch of this URL that is under way, or spends one of the budget and begins one when it has a slot.
   * Rejects with AAuthError when the fetcher refuses, with Unreachable when there was no answer in time.
   * @throws AAuthError at once when the budget is spent
   * @throws Unreachable at once when too many wait for a slot
   */
  fetch(url: string, terms: FetchTerms): Promise<FetchedDocument>
  /** Lets the fetch of this URL that is under way, if there is one, wait for one more caller as well. */
  join(url: string, terms: FetchTerms): void
  /** Lets nobody join the fetch of this URL any more. */
  detach(url: string): void
}

/** What a fetch may cost. */
export interface FetchTerms {
  readonly maxBytes: number
  /** Seconds until the first byte must be there, where that is less than the timeout. */
  readonly firstByte?: number | undefined
  readonly slots: Slots
  /** The site of the participant that it is for. */
  readonly site?: string | undefined
  /** The network of the caller that caused it. */
  readonly network?: string | undefined
  readonly budget?: FetchBudget | undefined
}

/** What {@link createSharedFetches} needs. */
export interface SharedFetchesOptions {
  readonly fetcher: Fetcher
  readonly now: () => number
  /** Seconds that a fetch may take, with the wait for a slot. */
  readonly timeout: number
  readonly tell: (event: DiscoveryEvent) => void
}

interface SharedFetch {
  readonly document: Promise<FetchedDocument>
  /** Waits for one more caller as well, if it still waits. @throws Unreachable when too many do */
  add(waiter: Waiter): void
}

/** For whom a fetch waits. */
type Waiter = Pick<FetchTerms, 'slots' | 'site' | 'network'>

/** A fetch that many ask for waits on behalf of a few of them: each takes a place of those that wait. */
const maxRequests = 4

/**
 * One fetch per URL: however many ask at the same time, a host is asked once.
 * @see protocol §10
 */
export function createSharedFetches(options: SharedFetchesOptions): SharedFetches {
  const underWay = new Map<string, SharedFetch>()
  return {
    fetch(url, terms) {
      // Two documents of different size limits may stand at one URL: a fetch is told by both.
      const name = `${terms.maxBytes} ${url}`
      const joined = underWay.get(name)
      if (joined !== undefined) {
        addWaiter(joined, terms)
        return joined.document
      }
      terms.budget?.spend()
      const fetch = beginFetch(url, { ...terms, ...options })
      underWay.set(name, fetch)
      return fetch.document.finally(() => {
        if (underWay.get(name) === fetch) underWay.delete(name)
      })
    },
    join(url, terms) {
      const joined = underWay.get(`${terms.maxBytes} ${url}`)
      if (joined !== undefined) addWaiter(joined, terms)
    },
    detach(url) {
      for (const name of underWay.keys()) if (name.endsWith(` ${url}`)) underWay.delete(name)
    },
  }
}

/** A fetch that a stranger caused may wait behind a flood; one who has slots elsewhere, or a share of their own, need not wait with it. */
function addWaiter(fetch: SharedFetch, waiter: Waiter): void {
  try {
    fetch.add(waiter)
  } catch {
    // It keeps the place it has.
  }
}

type BeginOptions = SharedFetchesOptions & Waiter & Pick<FetchTerms, 'maxBytes' | 'firstByte'>

function beginFetch(url: string, options: BeginOptions): SharedFetch {
  const { origin } = new URL(url)
  const requests: Array<SlotRequest & Waiter> = []
  let isWaiting = true
  let grantSlot = (): void => undefined
  const ready = new Promise<void>(resolve => {
    grantSlot = resolve
  })

  function releaseAll(except?: SlotRequest): void {
    isWaiting = false
    for (const request of requests) if (request !== except) request.slots.release(request)
  }

  function add({ slots, site, network }: Waiter): void {
    const isSame = (request: Waiter): boolean => request.slots === slots && request.network === network
    if (!isWaiting || requests.length >= maxRequests || requests.some(isSame)) return
    const request = {
      ...{ slots, site, network, shares: sharesOf({ origin, site, network }) },
      start(): void {
        releaseAll(request)
        grantSlot()
      },
    }
    slots.acquire(request)
    requests.push(request)
  }

  add(options)
  return { document: runFetch(url, ready, options).finally(() => releaseAll()), add }
}

async function runFetch(
  url: string,
  ready: Promise<void>,
  o: SharedFetchesOptions & Pick<FetchTerms, 'maxBytes' | 'firstByte'>,
): Promise<FetchedDocument> {
  const { fetcher, now, timeout: seconds, tell, maxBytes, firstByte } = o
  const began = now()
  let hasSlot = false
  const end = (outcome: FetchOutcome, status?: number) =>
    tell({ type: 'fetch', url, outcome, ...(status !== undefined && { status }), seconds: Math.max(0, now() - began) })
  try {
    const document = await withinDeadline({ seconds }, async signal => {
      // Of the time for all half at most is spent waiting: what then begins has a chance to end.
      await withinDeadline({ seconds: seconds / 2, outer: signal }, () => ready)
      hasSlot = true
      return fetcher(url, { maxBytes, signal, ...(firstByte !== undefined && { firstByte }) })
    })
    end(document.status === 200 ? 'ok' : 'status', document.status)
    return document
  } catch (cause) {
    // A fetcher's own AAuthError says that it refuses; anything else is the network.
    const isRefusal = cause instanceof AAuthError
    end(isRefusal ? 'refused' : hasSlot ? 'unreachable' : 'busy')
    throw isRefusal ? cause : Object.assign(new Unreachable('no answer', { cause }), { url })
  }
}
