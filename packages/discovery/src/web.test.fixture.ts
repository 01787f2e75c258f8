import type { SigningKey } from '@countersign/httpsig'
import { createDiscovery, type Discovery, type DiscoveryOptions, type FetchedDocument, type Fetcher } from './index.js'

/** What a fake host answers. */
export interface Answer {
  readonly status?: number
  readonly contentType?: string
  readonly cacheControl?: string
  /** An object is sent as JSON, text and bytes as they are. */
  readonly body?: unknown
}

/** A web without a network: its documents, and the URLs fetched from it. */
export interface Web {
  readonly fetcher: Fetcher
  /** By URL; an Error is thrown, an absent URL is a 404. */
  readonly answers: Map<string, Answer | Error>
  /** URLs fetched so far, in order. */
  readonly fetched: string[]
  /** Seconds of Unix time. */
  clock: number
  /** Milliseconds that an answer takes; 0 is the next tick. */
  delay: number
}

const start = 1_800_000_000

/** An empty web. */
export function web(): Web {
  const state: Web = {
    answers: new Map(),
    fetched: [],
    clock: start,
    delay: 0,
    async fetcher(url) {
      state.fetched.push(url)
      await new Promise(resolve => setTimeout(resolve, state.delay))
      const answer = state.answers.get(url)
      if (answer instanceof Error) throw answer
      return documentOf(answer ?? { status: 404 })
    },
  }
  return state
}

function documentOf({
  status = 200,
  contentType = 'application/json',
  cacheControl,
  body = '',
}: Answer): FetchedDocument {
  const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(asText(body))
  return { status, contentType, body: bytes, ...(cacheControl !== undefined && { cacheControl }) }
}

function asText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}

/** A discovery over the web, with its clock. */
export function discoveryOf(over: Web, options: Partial<DiscoveryOptions> = {}): Discovery {
  return createDiscovery({ fetcher: over.fetcher, now: () => over.clock, ...options })
}

/** A published JWK. */
export function published(kid: string, key: SigningKey): Record<string, unknown> {
  return { ...key.publicJwk, kid, use: 'sig' }
}

/** URLs of an agent's two documents. */
export function urlsOf(id: string): { metadata: string; jwks: string } {
  return { metadata: `${id}/.well-known/aauth-agent`, jwks: `${id}/jwks` }
}

/** Puts an agent's metadata and keys into the web. */
export function publish(on: Web, id: string, keys: readonly unknown[], answer: Answer = {}): void {
  const urls = urlsOf(id)
  on.answers.set(urls.metadata, { body: { issuer: id, agent: id, jwks_uri: urls.jwks }, ...answer })
  on.answers.set(urls.jwks, { contentType: 'application/jwk-set+json', body: { keys }, ...answer })
}

/** The fetches that {@link hanging} has counted. */
export interface Hanging {
  readonly fetcher: Fetcher
  /** Fetches under way now, and the most there ever were. */
  open: number
  most: number
  /** Fetches from hosts that hang: aborted ones, and all that ended. */
  aborted: number
  ended: number
  /** URLs, in order. */
  readonly asked: string[]
  goDown(): void
}

/** A fetcher over the web that counts open fetches; hosts of `hang.example` do not answer until they go down. */
export function hanging(on: Web): Hanging {
  const waiting = new Set<() => void>()
  let isDown = false
  const state: Hanging = {
    open: 0,
    most: 0,
    aborted: 0,
    ended: 0,
    goDown() {
      isDown = true
      for (const end of waiting) end()
    },
    asked: [],
    async fetcher(url, o) {
      state.asked.push(url)
      state.open += 1
      state.most = Math.max(state.most, state.open)
      try {
        if (!new URL(url).hostname.endsWith('hang.example')) return await on.fetcher(url, o)
        return await new Promise<never>((_, reject) => {
          const end = () => {
            state.ended += 1
            reject(new Error('down'))
          }
          if (isDown) return end()
          waiting.add(end)
          o.signal?.addEventListener('abort', () => {
            state.aborted += 1
            end()
          })
        })
      } finally {
        state.open -= 1
      }
    },
  }
  return state
}

/** The outcome, or undefined for one that fails. */
export function quiet<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch(() => undefined)
}

/** New identifiers, of hosts that never answer. */
export function strangers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `https://a${from + i}hang.example`)
}
