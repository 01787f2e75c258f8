import type { FetchedDocument, Fetcher } from '@countersign/discovery'
import type { ReceivedMessage } from '@countersign/httpsig'

/** One request as it reached a participant. */
export interface Exchange extends ReceivedMessage {
  readonly origin: string
  /** The body as text. */
  readonly text: string
  /** What the sender told fetch to do with a redirect. */
  readonly redirect: RequestRedirect | undefined
  header(name: string): string | undefined
}

/** A participant that answers what reached it. */
export type Host = (exchange: Exchange) => Promise<Response> | Response

/** A network in memory, with a record of what went over it. */
export interface Network {
  readonly fetch: typeof fetch
  readonly fetcher: Fetcher
  /** Requests sent by `fetch`, in order. */
  readonly sent: Exchange[]
  /** Documents fetched by `fetcher`, in order. */
  readonly documents: string[]
  readonly hosts: Map<string, Host>
  /** Puts `host` in front of what answers at an origin; `next` is what stood there. */
  intercept(origin: string, host: (exchange: Exchange, next: Host) => Promise<Response> | Response): void
}

export function network(): Network {
  const hosts = new Map<string, Host>()
  const sent: Exchange[] = []
  const documents: string[] = []
  const answer = async (exchange: Exchange): Promise<Response> => {
    const host = hosts.get(exchange.origin)
    if (host === undefined) throw new TypeError('fetch failed')
    return host(exchange)
  }
  return {
    sent,
    documents,
    hosts,
    async fetch(input, init) {
      const exchange = received(String(input), init)
      sent.push(exchange)
      init?.signal?.throwIfAborted()
      return answer(exchange)
    },
    async fetcher(url) {
      documents.push(url)
      return document(await answer(received(url, {})))
    },
    intercept(origin, host) {
      const next = hosts.get(origin) ?? (() => new Response(null, { status: 404 }))
      hosts.set(origin, exchange => host(exchange, next))
    },
  }
}

function received(address: string, init: RequestInit | undefined): Exchange {
  const url = new URL(address)
  const headers: Array<readonly [string, string]> = [['host', url.host]]
  for (const [name, value] of new Headers(init?.headers)) headers.push([name, value])
  const body = init?.body instanceof Uint8Array ? init.body : undefined
  return {
    origin: url.origin,
    method: init?.method ?? 'GET',
    target: address.slice(url.origin.length) || '/',
    headers,
    peer: '192.0.2.7',
    ...(body === undefined ? {} : { body }),
    text: new TextDecoder().decode(body),
    redirect: init?.redirect,
    header: name => headers.find(([key]) => key === name)?.[1],
  }
}

async function document(response: Response): Promise<FetchedDocument> {
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

/** A clock that stands until it is moved. */
export interface Clock {
  time: number
  readonly now: () => number
}

export function clock(time = 1_770_000_000): Clock {
  const own: Clock = { time, now: () => own.time }
  return own
}
