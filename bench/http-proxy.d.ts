// The bench uses no more of it, and `@types/http-proxy` is another package.
declare module 'http-proxy' {
  import type { Agent, IncomingMessage, ServerResponse } from 'node:http'

  export interface ProxyServer {
    web(request: IncomingMessage, response: ServerResponse): void
    on(event: 'error', listener: (error: Error) => void): this
  }
  const httpProxy: { createProxyServer(options: { target: string; agent: Agent; xfwd: boolean }): ProxyServer }
  export default httpProxy
}
