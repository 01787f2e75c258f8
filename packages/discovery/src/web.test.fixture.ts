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

/** A web without a network: what it holds, and what was fetched from it. */
export interface Web {
  readonly fetcher: Fetcher
  /** By URL; an Error is thrown, what is absent is a 404. */
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
