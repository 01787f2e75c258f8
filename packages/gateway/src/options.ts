import type { McpRules } from '@countersign/mcp/rules'
import type { Requirement, Resource } from '@countersign/resource'
import type { Identity } from './identity.js'
import type { UpstreamState } from './upstream-state.js'

/** What is asked of callers on one path. */
export interface GatewayRoute<S extends string = string> {
  /** Exact (`/reports`), or a prefix that ends in `*` (`/reports*`, `/*`). Compared with the raw path, byte for byte. */
  readonly path: string
  /** Default all. Others are 405: `HEAD` and `OPTIONS` are methods like any other. */
  readonly methods?: readonly string[]
  readonly requirement: Requirement<S>
  /**
   * An MCP server is there (Streamable HTTP), and each tool, prompt or resource asks for what it needs; `requirement` is for its
   * sessions and all else. A session belongs to who opened it, as behind `guardMcp`.
   */
  readonly mcp?: Omit<McpRules<S>, 'session'>
}

/** What a gateway is made of. */
export interface GatewayOptions<S extends string = string> {
  readonly resource: Resource<S>
  /** The origin of the API behind, e.g. `http://127.0.0.1:8080`. */
  readonly upstream: string
  /** The longest matching path decides; a path on no route is 404. */
  readonly routes: ReadonlyArray<GatewayRoute<S>>
  /** Seconds in which the API behind must begin to answer. Default 60. */
  readonly timeout?: number
  /**
   * A path of the API that answers 2xx or 3xx to a GET while it can do its work: what readiness asks for. Default: it is ready
   * while it takes connections.
   */
  readonly healthPath?: string
  /** Default `headers`. */
  readonly identity?: Identity
  /**
   * Headers of callers that the API must not get, beside those that proxies are known to write (docs/gateway.md): by which it knows
   * users, tenants or networks. Their other spellings (`X_Tenant`) are dropped, too. Default none.
   */
  readonly dropHeaders?: readonly string[]
  /** Told when the API behind stops answering, and when it does again. */
  readonly onUpstream?: (state: UpstreamState) => void
  /** Unix seconds. */
  readonly now?: () => number
}

/** What a check is made of. */
export interface CheckOptions<S extends string = string> {
  readonly resource: Resource<S>
  /** The longest matching path decides; a path on no route is refused. */
  readonly routes: ReadonlyArray<GatewayRoute<S>>
  /**
   * Who asks. `nginx` (`auth_request`): `GET /check`, with the request in `X-Original-Method`, `X-Original-URI` and
   * `X-Original-Body`; it is told 401 or 403 for every refusal, and in `AAuth-Status` and `AAuth-Error` the status and the body
   * that were meant. `envoy` (`ext_authz` over HTTP): the request's own method, and its path after `/check`; every answer is as the
   * caller shall get it.
   */
  readonly proxy: 'nginx' | 'envoy'
  /**
   * What becomes of requests with a body. `refuse` (default): refused, since nothing here sees whether it is the one that was
   * signed. `seen`: the proxy sends it along (Envoy's `with_request_body`). `unseen`: they pass when a signature covers
   * `content-digest`; **the API itself must then compare it with the body**, or anybody on the way can put in another one.
   */
  readonly bodies?: 'refuse' | 'seen' | 'unseen'
  /** Default `headers`. */
  readonly identity?: Identity
  /** Unix seconds. */
  readonly now?: () => number
}
