import * as http from 'node:http'
import * as https from 'node:https'
import { type Server, type Socket } from 'node:net'
/** Test-only certificates; their authority's key was thrown away. */
export declare function pem(
  name: 'authority' | 'expired' | 'other-name' | 'self-signed' | 'server' | 'server.key',
): string
/** A server on a free loopback port that ends with the test. */
export interface Host {
  readonly port: number
  /** Connections so far. */
  connections(): number
  /** Connections still open. */
  open(): number
}
/** Starts a server that lives as long as the test. */
export declare function listen(
  server: Server,
  {
    address,
    port: wanted,
  }?: {
    readonly address?: string
    readonly port?: number
  },
): Promise<Host>
/** A plain TCP server that answers with the given behaviour. */
export declare function tcpHost(onSocket?: (socket: Socket) => void): Promise<Host>
/** An http server. */
export declare function httpHost(handler: http.RequestListener, address?: string): Promise<Host>
/** An https server whose certificate, by default, is good for localhost, agent.example and keys.example. */
export declare function httpsHost(handler: http.RequestListener, options?: https.ServerOptions): Promise<Host>
/** Answers every request with a small JSON document. */
export declare const ok: http.RequestListener
//# sourceMappingURL=host.test.fixture.d.ts.map
