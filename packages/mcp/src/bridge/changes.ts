import { setTimeout as sleep } from 'node:timers/promises'
import { isObject } from '@countersign/protocol/internal'
import { type Answer, isFailure, type Params, type RpcMessage } from '../message/json-rpc.js'

/** The changes that a client of a session hears of, by a subscription to a server without sessions. */
export interface Changes {
  /** Begins to listen: the client is initialized. */
  begin(): void
  /** Adds or removes a resource. @throws Error for one too many, and when the server refuses */
  subscribe(uri: string, isWanted: boolean): Promise<void>
  /** The server has begun to tell. */
  acknowledged(): void
  close(): void
}

/** What changes need. */
export interface ChangesOptions {
  /** The capabilities of the server. */
  readonly capabilities: unknown
  /** Opens a subscription, and resolves when it has ended. */
  readonly listen: (params: Params, signal: AbortSignal) => Promise<Answer>
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

interface State {
  readonly uris: Set<string>
  isBegun: boolean
  isClosed: boolean
  /** Ends the open subscription. */
  stop: AbortController | undefined
  began: Array<(error?: Error) => void>
  /** Failures in a row. */
  failures: number
}

/**
 * Keeps one subscription open, for the lists that the server tells changes of and the resources that the client names. One that ends, as
 * with its token, is opened again; the client is told that what it watches may have changed meanwhile.
 */
export function changes(options: ChangesOptions): Changes {
  const state: State = {
    ...{ uris: new Set(), isBegun: false, isClosed: false },
    ...{ stop: undefined, began: [], failures: 0 },
  }
  return {
    begin() {
      state.isBegun = true
      if (filterOf(options, state) !== undefined) void listen(options, state, false)
    },
    async subscribe(uri, isWanted) {
      if (isWanted && state.uris.size >= mostUris && !state.uris.has(uri))
        throw new Error(`no more than ${mostUris} resources can be subscribed to`)
      if (state.uris.has(uri) === isWanted) return
      if (isWanted) state.uris.add(uri)
      else state.uris.delete(uri)
      state.stop?.abort()
      if (filterOf(options, state) === undefined) return settleBegun(state)
      await new Promise<void>((resolve, reject) => {
        state.began.push(error => (error === undefined ? resolve() : reject(error)))
        void listen(options, state, false)
      }).catch(error => {
        state.uris.delete(uri)
        throw error
      })
    },
    acknowledged: () => settleBegun(state),
    close() {
      state.isClosed = true
      state.stop?.abort()
    },
  }
}

function settleBegun(state: State, error?: Error): void {
  if (error === undefined) state.failures = 0
  for (const settle of state.began.splice(0)) settle(error)
}

/** What to listen to; undefined for nothing. */
function filterOf({ capabilities }: ChangesOptions, { uris }: State): Params | undefined {
  const told = lists.filter(list => {
    const capability = isObject(capabilities) ? capabilities[list] : undefined
    return isObject(capability) && capability['listChanged'] === true
  })
  if (told.length === 0 && uris.size === 0) return undefined
  const filter = Object.fromEntries(told.map(list => [`${list}ListChanged`, true]))
  return uris.size === 0 ? filter : { ...filter, resourceSubscriptions: [...uris] }
}

async function listen(options: ChangesOptions, state: State, isAgain: boolean): Promise<void> {
  const notifications = filterOf(options, state)
  if (state.isClosed || notifications === undefined) return
  const stop = new AbortController()
  state.stop = stop
  if (isAgain) state.began.push(error => error === undefined && tellAll(options, notifications))
  state.failures += 1
  const ended = await options.listen({ notifications }, stop.signal).catch((error: unknown) => error)
  if (stop.signal.aborted || state.isClosed) return
  const error = failureOf(ended)
  settleBegun(state, error)
  if (state.failures >= attempts) return options.onError(error)
  await sleep(firstWait * 2 ** state.failures, undefined, { ref: false })
  if (state.stop === stop) await listen(options, state, true)
}

function failureOf(ended: unknown): Error {
  const why = isFailure(ended)
    ? ended.error.message
    : ended instanceof Error
      ? ended.message
      : 'the subscription has ended'
  return new Error(why)
}

/** What changed while nothing was heard is unknown: the client reads it again. */
function tellAll({ tell }: ChangesOptions, notifications: Params): void {
  for (const list of lists)
    if (notifications[`${list}ListChanged`] === true)
      tell({ jsonrpc: '2.0', method: `notifications/${list}/list_changed` })
  const uris = notifications['resourceSubscriptions']
  for (const uri of Array.isArray(uris) ? uris : [])
    tell({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
}
