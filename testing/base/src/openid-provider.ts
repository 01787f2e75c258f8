import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'
import { vi } from 'vitest'
import { listenOn } from './listening.js'

/** A real OpenID provider on this machine, at which every account signs in with any password. */
export interface OpenidProvider {
  readonly issuer: string
  readonly server: Server
  readonly provider: Provider
  /** Answers a request as the provider does. Nothing calls it until a test adds it to `server`. */
  readonly answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>
}

/** Starts a provider whose one client is `countersign` with the secret `secret`. */
export async function openidProvider(o: {
  /** Where its client takes answers. */
  readonly redirectUri: string
  /** Claims of every account beside `sub`. */
  readonly profile?: () => object
  /** More members of the client. */
  readonly client?: object
  /** More of the provider's configuration. */
  readonly configuration: object
}): Promise<OpenidProvider> {
  const server = createServer()
  const issuer = `http://127.0.0.1:${await listenOn(server)}`
  // It warns of what a test may do.
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'countersign', client_secret: 'secret', redirect_uris: [o.redirectUri], ...o.client }],
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...o.profile?.() }) }),
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    ttl: { Interaction: 60, Session: 60, Grant: 60, AccessToken: 60, IdToken: 60 },
    ...o.configuration,
  })
  warn.mockRestore()
  return { issuer, server, provider, answer: provider.callback() }
}
