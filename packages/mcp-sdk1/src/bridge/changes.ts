import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, isFailure, type Params, type RpcMessage } from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'

/** The changes that a client of a session hears of, by subscriptions to a server without sessions. */
export interface Changes {
  /** Begins to listen for changes of lists: the client is initialized. */
  begin(): void
  /** Listens for changes of a resource, or ends it. @throws Error for one too many, and when the server refuses */
  subscribe(uri: string, isWanted: boolean): Promise<void>
  close(): void
}

/** How a subscription is opened. */
export interface Listening {
  /** Ends it. */
  readonly signal: AbortSignal
  /** Called when the server has begun to tell. */
  readonly acknowledged: () => void
}

/** What changes need. */
export interface ChangesOptions {
  /** The capabilities of the server. */
  readonly capabilities: unknown
  /** Opens a subscription, and resolves when it has ended. */
  readonly listen: (params: Params, listening: Listening) => Promise<Answer>
  /** Tells the client of a change. */
  readonly tell: (message: RpcMessage) => void
  readonly onError: (error: Error) => void
}

/** Most resources that are subscribed to. */
const mostUris = 64

/** How often a subscription is opened that ends before it has begun, and the first wait, in milliseconds; each is twice as long. */
const [attempts, firstWait] = [8, 500] as const

/** The lists whose changes can be told. */
const lists = ['tools', 'prompts', 'resources'] as const

/**
 * Keeps a subscription open for the lists that the server tells changes of, and one for each resource that the client names: a server may
 * have another rule for each. One that ends, as with its token, is opened again; the client is told that what it watches may have
 * changed meanwhile.
 */
export function changes(options: ChangesOptions): Changes {
  // bound: 64 resources; grown by the program
  const uris = new Map<string, AbortController>()
  const ofLists = new AbortController()
  return {
    begin() {
      const filter = listsOf(options.capabilities)
      if (Object.keys(filter).length > 0) keep(filter, ofLists.signal, options).catch(options.onError)
    },
    async subscribe(uri, isWanted) {
      const before = uris.get(uri)
      if (!isWanted) {
        uris.delete(uri)
        before?.abort()
        return
      }
      if (before !== undefined) return
      if (uris.size >= mostUris) throw new Error(`no more than ${mostUris} resources can be subscribed to`)
      const stop = new AbortController()
      uris.set(uri, stop)
      const forget = (): void => {
        if (uris.get(uri) === stop) uris.delete(uri)
      }
      await new Promise<void>((resolve, reject) => {
        stop.signal.addEventListener('abort', () => resolve(), { once: true })
        const kept = keep({ resourceSubscriptions: [uri] }, stop.signal, { ...options, begun: resolve })
        kept.catch(reject).finally(forget)
      })
    },
    close() {
      for (const stop of [ofLists, ...uris.values()]) stop.abort(new Error('the connection to the client has ended'))
    },
  }
}

/** The lists that a server tells changes of. */
function listsOf(capabilities: unknown): Params {
  const told = lists.filter(list => {
    const capability = isObject(capabilities) ? capabilities[list] : undefined
    return isObject(capability) && capability['listChanged'] === true
  })
  return Object.fromEntries(told.map(list => [`${list}ListChanged`, true]))
}

interface Keeping extends ChangesOptions {
  /** Called when it has begun for the first time; without it, a first failure is tried again like later ones. */
  readonly begun?: () => void
}

/** Keeps one subscription open until the signal ends it. @throws Error when it cannot be opened */
async function keep(filter: Params, signal: AbortSignal, options: Keeping): Promise<void> {
  const { listen, begun, onError } = options
  let [failures, isFirst] = [0, true]
  const acknowledged = (): void => {
    failures = 0
    if (isFirst) begun?.()
    else tellAll(options, filter)
    isFirst = false
  }
  while (!signal.aborted) {
    failures += 1
    const ended = await listen({ notifications: filter }, { signal, acknowledged }).catch((error: unknown) => error)
    if (signal.aborted) return
    if (isFirst && begun !== undefined) throw failureOf(ended)
    if (failures >= attempts) return onError(failureOf(ended))
    await sleep(firstWait * 2 ** failures, undefined, { ref: false })
  }
}

function failureOf(ended: unknown): Error {
  if (isFailure(ended)) return new Error(ended.error.message)
  return ended instanceof Error ? ended : new Error('the server told of no change')
}

/** What changed while nothing was heard is unknown: the client reads it again. */
function tellAll({ tell }: ChangesOptions, filter: Params): void {
  for (const list of lists)
    if (filter[`${list}ListChanged`] === true) tell({ jsonrpc: '2.0', method: `notifications/${list}/list_changed` })
  const uris = filter['resourceSubscriptions']
  for (const uri of Array.isArray(uris) ? uris : [])
    tell({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
}
