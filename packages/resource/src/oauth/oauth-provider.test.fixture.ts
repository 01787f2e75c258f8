import { openidProvider } from '@countersign/testing/openid-provider'
import { decideAtProvider } from '@countersign/testing/provider-visit'

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
  const { issuer, server, provider, answer } = await openidProvider({
    redirectUri,
    client: { grant_types: ['authorization_code', 'refresh_token'] },
    configuration: {
      scopes: ['openid', 'offline_access', 'files.read'],
      features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
      issueRefreshToken: async () => true,
      ttl: { Interaction: 60, Session: 60, Grant: 600, AccessToken: o.accessTokenLife ?? 600, RefreshToken: 600 },
    },
  })
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
    decide: (url, account, decision = 'agree') => decideAtProvider(url, { account, decision, redirectUri }),
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
