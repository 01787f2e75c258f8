import { createHash } from 'node:crypto'
import { type OAuthClientProvider, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { expect, test } from 'vitest'
import { makeTools, rules, type Tools } from './tools.test.fixture.js'

// The SDK's own OAuth client, which knows nothing of AAuth, from the first refusal to a tool that asks for more.

const issuer = 'https://accounts.example'
const endpoint = 'https://calendar.example/mcp'
const verify = async (token: string) => {
  const [sub, ...scope] = token.split('/')
  return sub === 'ada' ? { user: { iss: issuer, sub }, scope } : undefined
}

/** An authorization server whose user allows what they are asked, but at first to read and no more. */
function accounts() {
  const codes = new Map<string, URLSearchParams>()
  const asked: Array<string | null> = []
  const answers = new Map<string, (body: string) => object>([
    [
      '/.well-known/oauth-authorization-server',
      () => ({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        registration_endpoint: `${issuer}/register`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      }),
    ],
    ['/register', body => ({ ...JSON.parse(body), client_id: 'c1' })],
    [
      '/token',
      body => {
        const given = new URLSearchParams(body)
        const request = codes.get(given.get('code') ?? '')
        const challenge = createHash('sha256')
          .update(given.get('code_verifier') ?? '')
          .digest('base64url')
        // For this server alone: nothing else takes it.
        expect([given.get('resource'), request?.get('resource')]).toEqual([endpoint, endpoint])
        expect(challenge).toBe(request?.get('code_challenge'))
        const scope = codes.size === 1 ? 'events.read' : request?.get('scope')
        return { access_token: `ada/${scope?.replaceAll(' ', '/')}`, token_type: 'Bearer' }
      },
    ],
  ])
  const answer = (url: URL, body: string): Response => {
    const made = answers.get(url.pathname)?.(body)
    return made === undefined ? new Response(null, { status: 404 }) : Response.json(made)
  }
  const allow = ({ searchParams }: URL): string => {
    asked.push(searchParams.get('scope'))
    codes.set(`code${codes.size}`, searchParams)
    return `code${codes.size - 1}`
  }
  return { answer, allow, asked }
}

/** What a client keeps. */
function provider(visit: (url: URL) => void): OAuthClientProvider {
  const kept: { client?: object; tokens?: object; verifier?: string } = {}
  return {
    redirectUrl: 'http://localhost:1/callback',
    clientMetadata: { redirect_uris: ['http://localhost:1/callback'], token_endpoint_auth_method: 'none' },
    clientInformation: () => kept.client as never,
    saveClientInformation: client => void Object.assign(kept, { client }),
    tokens: () => kept.tokens as never,
    saveTokens: tokens => void Object.assign(kept, { tokens }),
    redirectToAuthorization: visit,
    saveCodeVerifier: verifier => void Object.assign(kept, { verifier }),
    codeVerifier: () => kept.verifier ?? '',
  }
}

function fetchOf(tools: Tools, answer: (url: URL, body: string) => Response) {
  return async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const [url, body] = [new URL(input), init.body == null ? undefined : String(init.body)]
    if (url.origin === issuer) return answer(url, body ?? '')
    const headers = Object.fromEntries(new Headers(init.headers))
    const ask = { method: init.method ?? 'GET', target: url.pathname, headers }
    return tools.send(undefined, body === undefined ? ask : { ...ask, body })
  }
}

test('the OAuth client of the SDK gets a token for this server, and a wider one for a tool that needs more', async () => {
  const tools = await makeTools({ ...rules, oauth: { authorizationServers: [issuer], verify } })
  const { answer, allow, asked } = accounts()
  let code = ''
  const authProvider = provider(url => {
    code = allow(url)
  })
  const connecting = () =>
    new StreamableHTTPClientTransport(new URL(endpoint), { authProvider, fetch: fetchOf(tools, answer) })
  const client = new Client({ name: 'any', version: '1' })
  const first = connecting()
  await expect(client.connect(first as never)).rejects.toThrow(UnauthorizedError)
  await first.finishAuth(code)
  const transport = connecting()
  await client.connect(transport as never)
  const allowed = async () =>
    Object.fromEntries((await client.listTools()).tools.map(({ name, _meta }) => [name, _meta?.['aauth/allowed']]))
  expect(await allowed()).toMatchObject({ book: true, add: false })
  await expect(client.callTool({ name: 'add', arguments: { text: 'x' } })).rejects.toThrow(UnauthorizedError)
  await transport.finishAuth(code)
  expect(await client.callTool({ name: 'add', arguments: { text: 'x' } })).toMatchObject({
    content: [{ text: 'add x' }],
  })
  expect(asked).toEqual(['events.write events.read', 'events.write'])
  expect(tools.calls).toEqual([{ tool: 'add', by: 'anonymous ada' }])
  await client.close()
})
