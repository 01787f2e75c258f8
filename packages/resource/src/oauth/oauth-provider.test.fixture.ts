import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider from 'oidc-provider'
import { vi } from 'vitest'

/** A real OAuth provider, and an API that takes its access tokens as bearers. */
export interface OAuthPlace {
  readonly issuer: string
  readonly api: string
  /** What the API was asked, and what it answered. */
  readonly calls: Array<{ readonly path: string; readonly status: number; readonly account?: string }>
  /** Requests the provider's own endpoints got. */
  readonly asked: string[]
  /** Answers with 503 while true. */
  away: boolean
  /** Answers token requests with this status and error while it is there. */
  says?: { readonly status: number; readonly error: string }
  /** Lets the API refuse every token that was given before. */
  forgetTokens(): void
  /** Walks through the provider's pages, signs in and agrees or refuses; where the browser is sent in the end. */
  decide(url: string, account: string, decision?: 'agree' | 'refuse'): Promise<string>
  close(): Promise<void>
}

/** @param redirectUri where the provider's one client, `countersign` with the secret `secret`, lets browsers come back to */
export async function oauthPlace(
  redirectUri: string,
  o: { readonly accessTokenLife?: number } = {},
): Promise<OAuthPlace> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // It warns of what a test may do.
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'countersign',
        client_secret: 'secret',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    scopes: ['openid', 'offline_access', 'files.read'],
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    ttl: { Interaction: 60, Session: 60, Grant: 600, AccessToken: o.accessTokenLife ?? 600, RefreshToken: 600 },
  })
  warn.mockRestore()
  const answer = provider.callback()
  const tokens = provider as unknown as {
    AccessToken: { find(token: string): Promise<{ accountId: string; iat: number } | undefined> }
  }
  const refused = new Set<string>()
  const seen = new Set<string>()
  const place: OAuthPlace = {
    issuer,
    api: `${issuer}/api`,
    calls: [],
    asked: [],
    away: false,
    forgetTokens: () => {
      for (const token of seen) refused.add(token)
    },
    decide: (url, account, decision = 'agree') => walk(url, account, { decision, redirectUri }),
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
  server.on('request', async (request, response) => {
    const path = request.url ?? ''
    if (!path.startsWith('/api/')) {
      place.asked.push(`${request.method} ${path.split('?', 1)[0]}`)
      if (place.says !== undefined && path.startsWith('/token')) {
        response.writeHead(place.says.status, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error: place.says.error }))
        return
      }
      if (!place.away) return answer(request, response)
      response.writeHead(503).end()
      return
    }
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? []
    seen.add(token)
    const known = refused.has(token) ? undefined : await tokens.AccessToken.find(token)
    const status = known === undefined ? 401 : path === '/api/elsewhere' ? 302 : 200
    place.calls.push({ path, status, ...(known === undefined ? {} : { account: known.accountId }) })
    response.writeHead(status, { 'content-type': 'application/json', location: 'https://elsewhere.example/' })
    response.end(JSON.stringify({ owner: known?.accountId }))
  })
  return place
}

async function walk(
  url: string,
  account: string,
  { decision, redirectUri }: { readonly decision: 'agree' | 'refuse'; readonly redirectUri: string },
): Promise<string> {
  const jar = new Map<string, string>()
  let next = new URL(url)
  let form: string | undefined
  for (let step = 0; step < 12; step++) {
    const response = await fetch(next, {
      redirect: 'manual',
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    form = undefined
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    const page = await response.text()
    if (location !== null) {
      next = new URL(location, next)
      if (next.href.startsWith(redirectUri)) return next.href
      continue
    }
    const isSignIn = page.includes('name="login"')
    if (!isSignIn && decision === 'refuse') next = new URL(/href="([^"]*\/abort)"/.exec(page)?.[1] ?? '', next)
    else {
      next = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', next)
      form = isSignIn ? `prompt=login&login=${account}&password=x` : 'prompt=consent'
    }
  }
  throw new Error('the provider sends nobody back')
}
