import type { Fetcher } from '@countersign/discovery'
import { jwks, type PublishedKey } from '@countersign/protocol'

/** Documents that participants publish, without a network. */
export interface Web {
  /** By URL. */
  readonly web: Map<string, unknown>
  /** Origins that refuse connections. */
  readonly down: Set<string>
  /** Origins that never answer. */
  readonly hanging: Set<string>
  /** Every URL that was fetched, oldest first. */
  readonly fetched: string[]
  readonly fetcher: Fetcher
}

/** A web of these documents; more can be published later. */
export function makeWeb(web: Map<string, unknown> = new Map()): Web {
  const made: Omit<Web, 'fetcher'> = { web, down: new Set(), hanging: new Set(), fetched: [] }
  return {
    ...made,
    async fetcher(url) {
      made.fetched.push(url)
      const { origin } = new URL(url)
      if (made.hanging.has(origin)) await new Promise(() => undefined)
      if (made.down.has(origin)) throw new Error('connection refused')
      const body = new TextEncoder().encode(JSON.stringify(web.get(url) ?? {}))
      return { status: web.has(url) ? 200 : 404, contentType: 'application/json', body }
    },
  }
}

/** Where participants are published. */
export type Place = Pick<Web, 'web'>

/** Members of metadata that a test adds or changes. */
export type Members = Readonly<Record<string, unknown>>

/** Publishes an agent; its keys are at `/.well-known/jwks.json` unless `members` name another `jwks_uri`. */
export function publishAgent(at: Place, id: string, keys: readonly PublishedKey[], members: Members = {}): void {
  publish(at, `${id}/.well-known/aauth-agent`, keys, {
    issuer: id,
    agent: id,
    jwks_uri: `${id}/.well-known/jwks.json`,
    ...members,
  })
}

/** Publishes a resource; its keys are at `/resource-keys`, since it may be an agent, too, with keys of its own for that. */
export function publishResource(at: Place, id: string, keys: readonly PublishedKey[], members: Members = {}): void {
  publish(at, `${id}/.well-known/aauth-resource`, keys, {
    issuer: id,
    resource: id,
    jwks_uri: `${id}/resource-keys`,
    ...members,
  })
}

/** Publishes an auth server; its keys are at `/keys`. */
export function publishIssuer(at: Place, id: string, keys: readonly PublishedKey[], members: Members = {}): void {
  publish(at, `${id}/.well-known/aauth-issuer`, keys, {
    issuer: id,
    jwks_uri: `${id}/keys`,
    agent_token_endpoint: `${id}/agent/token`,
    ...members,
  })
}

function publish({ web }: Place, url: string, keys: readonly PublishedKey[], metadata: Members): void {
  web.set(url, metadata)
  web.set(String(metadata['jwks_uri']), jwks(keys))
}
