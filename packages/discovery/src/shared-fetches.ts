import { AAuthError } from '@countersign/protocol'
import { withinDeadline } from './deadline.js'
import type { DiscoveryEvent, FetchOutcome } from './discovery-event.js'
import type { FetchBudget } from './fetch-budget.js'
import type { FetchedDocument, Fetcher } from './fetcher.js'
import { type SlotRequest, type Slots, sharesOf } from './slots.js'
import { Unreachable } from './unreachable.js'

/** The fetches under way, at most one for each URL. */
export interface SharedFetches {
  /**
   * Joins the fetch of this URL that is under way; otherwise spends one fetch of the budget and begins it once it has a slot.
   * Rejects with AAuthError when the fetcher refuses, with Unreachable when there was no response in time.
   * @throws AAuthError synchronously when the budget is spent
   * @throws Unreachable synchronously when too many fetches wait for a slot
   */
  fetch(url: string, terms: FetchTerms): Promise<FetchedDocument>
  /** Adds a caller to those that the fetch of this URL waits for; nothing happens when none is under way. */
  join(url: string, terms: FetchTerms): void
  /** The fetch of this URL can no longer be joined; its callers still get its document. */
  detach(url: string): void
}

/** The limits of a fetch, and the shares it takes. */
export interface FetchTerms {
  readonly maxBytes: number
  /** Seconds until the first byte of the response; default: the whole timeout. */
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
  /** Seconds that a fetch may take, with its wait for a slot. */
  readonly timeout: number
  readonly tell: (event: DiscoveryEvent) => void
}

interface SharedFetch {
  readonly document: Promise<FetchedDocument>
  /** Requests a slot for one more caller, unless the fetch has one. @throws Unreachable when too many fetches wait */
  add(waiter: Waiter): void
}

/** A caller that a fetch waits for, by the shares it takes. */
type Waiter = Pick<FetchTerms, 'slots' | 'site' | 'network'>

/** Slots that one fetch requests at most, for as many of its callers: each request takes a place in the queue. */
const maxRequests = 4

/**
 * One fetch per URL: however many callers ask at the same time, the host gets one request.
 * @see protocol §10
 */
export function createSharedFetches(options: SharedFetchesOptions): SharedFetches {
  // bound: fetches that run or wait in slots; bytes: (64 + 256) × 2 × 256 KiB of what runs; grown by a stranger;
  // shared: as the slots; filled by discovery.flood.test.ts "maxConcurrent fetches run, four times as many wait"
  const underWay = new Map<string, SharedFetch>()
  return {
    fetch(url, terms) {
      // One URL may be fetched under two size limits (as metadata and as a key set): those are two fetches.
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

/**
 * A fetch may wait in the share of the caller that began it, for example behind a flood. Another caller that joins it requests a slot
 * in its own share, and the fetch takes the slot that comes first.
 */
function addWaiter(fetch: SharedFetch, waiter: Waiter): void {
  try {
    fetch.add(waiter)
  } catch {
    // The fetch keeps the place in the queue that it has.
  }
}

type BeginOptions = SharedFetchesOptions & Waiter & Pick<FetchTerms, 'maxBytes' | 'firstByte'>

function beginFetch(url: string, options: BeginOptions): SharedFetch {
  const { origin } = new URL(url)
  // bound: 4 for each fetch; bytes: small; grown by a stranger; shared: as the slots; filled by
  // discovery.shares.test.ts "gets a slot from its own share"
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
      slots,
      site,
      network,
      shares: sharesOf({ origin, site, network }),
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
      // The wait for a slot takes at most half of the time, so that a fetch which then starts can finish.
      await withinDeadline({ seconds: seconds / 2, outer: signal }, () => ready)
      hasSlot = true
      return fetcher(url, { maxBytes, signal, ...(firstByte !== undefined && { firstByte }) })
    })
    end(document.status === 200 ? 'ok' : 'status', document.status)
    return document
  } catch (cause) {
    // An AAuthError of the fetcher is a refusal; any other error is the network's.
    const isRefusal = cause instanceof AAuthError
    end(isRefusal ? 'refused' : hasSlot ? 'unreachable' : 'busy')
    throw isRefusal ? cause : Object.assign(new Unreachable('no answer', { cause }), { url })
  }
}
