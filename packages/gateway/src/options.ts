import type { McpRules } from '@countersign/mcp-sdk1'
import type { Requirement, Resource } from '@countersign/resource'
import type { Identity } from './identity.js'
import type { UpstreamState } from './upstream-state.js'

/** The requirement of one path. */
export interface GatewayRoute<S extends string = string> {
  /** Exact (`/reports`), or a prefix that ends in `*` (`/reports*`, `/*`). Compared with the raw path, byte for byte. */
  readonly path: string
  /** Default all. Other methods get 405; `HEAD` and `OPTIONS` must be listed, too. */
  readonly methods?: readonly string[]
  readonly requirement: Requirement<S>
  /**
   * For an MCP server (Streamable HTTP): the requirement of each tool, prompt or resource; `requirement` is for its sessions and all
   * other messages. A session belongs to the caller that opened it, as with `guardMcp`.
   */
  readonly mcp?: Omit<McpRules<S>, 'session'>
}

/** The options of `createGateway`. */
export interface GatewayOptions<S extends string = string> {
  readonly resource: Resource<S>
  /** The origin of the API behind, e.g. `http://127.0.0.1:8080`. */
  readonly upstream: string
  /** The longest matching path decides; a path on no route is 404. */
  readonly routes: ReadonlyArray<GatewayRoute<S>>
  /** Seconds in which the response of the API must begin. Default 60. */
  readonly timeout?: number
  /**
   * A path of the API that answers 2xx or 3xx to a GET while the API can do its work; readiness requests it. Default: the API is
   * ready while it accepts connections.
   */
  readonly healthPath?: string
  /** Default `headers`. */
  readonly identity?: Identity
  /**
   * Further headers of callers that the API must not get, such as those by which it knows users, tenants or networks. Headers that
   * proxies are known to write (docs/gateway.md) are always dropped. Other spellings (`X_Tenant`) are dropped, too. Default none.
   */
  readonly dropHeaders?: readonly string[]
  /** Called when the API stops answering, and when it answers again. */
  readonly onUpstream?: (state: UpstreamState) => void
  /** Unix seconds. */
  readonly now?: () => number
}

/** The options of `createCheck`. */
export interface CheckOptions<S extends string = string> {
  readonly resource: Resource<S>
  /** The longest matching path decides; a path on no route is refused. */
  readonly routes: ReadonlyArray<GatewayRoute<S>>
  /**
   * The proxy. `nginx` (`auth_request`) sends `GET /check`, with the request in `X-Original-Method`, `X-Original-URI` and
   * `X-Original-Body`; every refusal is 401 or 403, with the intended status and body in `AAuth-Status` and `AAuth-Error`.
   * `envoy` (`ext_authz` over HTTP) sends the request's own method, and its path after `/check`; the response is the one for the
   * caller.
   */
  readonly proxy: 'nginx' | 'envoy'
  /**
   * How signed requests with a body are handled. `refuse` (default): refused, since the check cannot see whether the body is the
   * signed one. `seen`: the proxy sends the body to the check (Envoy's `with_request_body`). `unseen`: they pass when the signature
   * covers `content-digest`; **the API itself must then compare it with the body**, or an attacker on the way can replace the body.
   */
  readonly bodies?: 'refuse' | 'seen' | 'unseen'
  /** Default `headers`. */
  readonly identity?: Identity
  /** Unix seconds. */
  readonly now?: () => number
}
