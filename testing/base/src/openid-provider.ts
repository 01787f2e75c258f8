import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import Provider from 'oidc-provider'
import { vi } from 'vitest'
import { networkBrowser } from './browser.js'
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

/**
 * Signs in on the provider's own pages and agrees or refuses there.
 * @returns where the provider sends the browser then: a URL that begins with `redirectUri`
 */
export async function decideAtProvider(
  url: string,
  o: { readonly account: string; readonly redirectUri: string; readonly decision?: 'agree' | 'refuse' },
): Promise<string> {
  const browser = networkBrowser()
  let [next, form]: [URL, Record<string, string> | undefined] = [new URL(url), undefined]
  for (let step = 0; step < 12; step++) {
    const response: Response = await (form === undefined ? browser.get(next.href) : browser.post(next.href, form, {}))
    form = undefined
    const location = response.headers.get('location')
    const page = await response.text()
    if (location !== null) {
      next = new URL(location, next)
      if (next.href.startsWith(o.redirectUri)) return next.href
      continue
    }
    const isSignIn = page.includes('name="login"')
    if (!isSignIn && o.decision === 'refuse') next = new URL(/href="([^"]*\/abort)"/.exec(page)?.[1] ?? '', next)
    else {
      next = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', next)
      form = isSignIn ? { prompt: 'login', login: o.account, password: 'x' } : { prompt: 'consent' }
    }
  }
  throw new Error('the provider does not redirect back')
}
