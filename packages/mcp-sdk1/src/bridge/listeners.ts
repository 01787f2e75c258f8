import {
  type Params,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
  rpcCodes,
} from '@countersign/mcp/internal/client'
import { isObject } from '@countersign/protocol/internal'
import { metaOf, subscriptionMember } from './envelope.js'

/** The subscriptions of a client to the changes of a server that has a session with the bridge. */
export interface Listeners {
  /** Opens a subscription, and tells the client which part of it the server can keep. @throws Error for one that cannot be opened */
  open(id: RequestId, filter: unknown, capabilities: unknown): Promise<void>
  /** @returns whether the subscription was open */
  close(id: RequestId): boolean
  /** Tells the subscriptions that are for it of a change. */
  changed(message: RpcNotification): void
  /** Subscribes again to all resources: the session is a new one. */
  renew(): void
}

/** What subscriptions need. */
export interface ListenersOptions {
  readonly tell: (message: RpcMessage) => void
  /** Subscribes to a resource at the server, or ends it. @throws Error when the server refuses */
  readonly subscribe: (uri: string, isWanted: boolean) => Promise<void>
}

/** Most subscriptions, and most resources of one. */
const [mostOpen, mostUris] = [64, 64] as const

const lists = ['tools', 'prompts', 'resources'] as const

export function listeners({ tell, subscribe }: ListenersOptions): Listeners {
  /** What each subscription is for. */
  // bound: 64 subscriptions to 64 resources; grown by the program
  const open = new Map<RequestId, Params>()
  const urisOf = (filter: Params | undefined): string[] => textsIn(filter?.['resourceSubscriptions']) ?? []
  const isWatched = (uri: string): boolean => [...open.values()].some(filter => urisOf(filter).includes(uri))
  const leave = (uris: readonly string[]): void => {
    for (const uri of uris) if (!isWatched(uri)) subscribe(uri, false).catch(() => undefined)
  }
  return {
    async open(id, asked, capabilities) {
      if (open.size >= mostOpen || open.has(id)) throw refused('too many subscriptions are open')
      const filter = honoured(asked, capabilities)
      const fresh = urisOf(filter).filter(uri => !isWatched(uri))
      open.set(id, filter)
      try {
        await Promise.all(fresh.map(uri => subscribe(uri, true)))
      } catch (error) {
        open.delete(id)
        leave(fresh)
        throw error
      }
      tell(
        stamped(
          { jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged', params: { notifications: filter } },
          id,
        ),
      )
    },
    close(id) {
      const filter = open.get(id)
      open.delete(id)
      leave(urisOf(filter))
      return filter !== undefined
    },
    changed(message) {
      for (const [id, filter] of open) if (isFor(message, filter)) tell(stamped(message, id))
    },
    renew() {
      const all = new Set([...open.values()].flatMap(urisOf))
      for (const uri of all) subscribe(uri, true).catch(() => undefined)
    },
  }
}

const refused = (message: string): Error => Object.assign(new Error(message), { code: rpcCodes.invalidParams })

function textsIn(value: unknown): string[] | undefined {
  if (!Array.isArray(value) || !value.every(one => typeof one === 'string')) return undefined
  return value
}

/** The part of a filter that the server can keep. */
function honoured(asked: unknown, capabilities: unknown): Params {
  if (!isObject(asked)) throw refused('a subscription needs its notifications')
  const can = (list: string, what: string): boolean => {
    const capability = isObject(capabilities) ? capabilities[list] : undefined
    return isObject(capability) && capability[what] === true
  }
  const told = lists.filter(list => asked[`${list}ListChanged`] === true && can(list, 'listChanged'))
  const filter = Object.fromEntries(told.map(list => [`${list}ListChanged`, true]))
  const uris = asked['resourceSubscriptions'] === undefined ? [] : textsIn(asked['resourceSubscriptions'])
  if (uris === undefined || uris.length > mostUris)
    throw refused(`resourceSubscriptions must be ${mostUris} URIs at most`)
  return uris.length === 0 || !can('resources', 'subscribe') ? filter : { ...filter, resourceSubscriptions: uris }
}

function isFor({ method, params }: RpcNotification, filter: Params): boolean {
  const [, list] = /^notifications\/(\w+)\/list_changed$/.exec(method) ?? []
  if (list !== undefined) return filter[`${list}ListChanged`] === true
  if (method !== 'notifications/resources/updated') return false
  return (textsIn(filter['resourceSubscriptions']) ?? []).includes(String(params?.['uri']))
}

function stamped(message: RpcNotification, id: RequestId): RpcNotification {
  const _meta = { ...metaOf(message.params), [subscriptionMember]: id }
  return { ...message, params: { ...message.params, _meta } }
}
