import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AgentError, agentServer, callbackRoute, createAgent } from '@countersign/agent'
import { createAgentServer } from '@countersign/agent-server'
import { serve } from '@countersign/server'
import { type Browser, hiddenFields } from '@countersign/testing/browser'
import { freePort, freePorts } from '@countersign/testing/ports'
import { expect } from 'vitest'
import { root } from './processes.fixture.js'

/** Where the OAuth client of the examples gets its codes. */
export const redirectUri = 'http://127.0.0.1:4799/callback'
/** The PKCE verifier of that client. */
export const codeVerifier = 'a-code-verifier-of-forty-three-characters-00'

export interface StartedExample {
  readonly origin: string
  readonly api: string
  /** The OAuth client, where the example gives it an id of its own. */
  readonly clientId?: string
  end(): Promise<void>
}

/** Starts an example that stands beside an OAuth server, on free ports, with its keys in `folder`. */
export async function startExample(name: string, folder: string): Promise<StartedExample> {
  const { start } = (await import(pathToFileURL(join(root, `examples/${name}/app.mjs`)).href)) as {
    start(o: object): Promise<StartedExample>
  }
  return start({ port: await freePorts(2), folder, redirectUri })
}

export interface StartedAgent {
  readonly id: string
  readonly agent: ReturnType<typeof createAgent>
  close(): Promise<void>
}

/** An agent that asks users, with the server that publishes it. */
export async function startAgent({ origin, api }: StartedExample): Promise<StartedAgent> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const development = true
  const server = await createAgentServer({ id, redirectUris: [`${id}/callback`], development })
  const place = { name: 'agent', id, port, participant: server, development, signals: false }
  const running = await serve({ ...place, level: 'error', announce: () => undefined })
  const agent = createAgent({
    identity: agentServer({ id, key: server.signingKey }),
    ...{ acceptAuthServer: [origin], identifyTo: [api], development },
    interact: callbackRoute({ redirectUri: `${id}/callback` }),
  })
  return { id, agent, close: () => running.close() }
}

/** Follows redirects within a site; the last answer, and where it leads if that is elsewhere. */
export async function follow(
  browser: Browser,
  url: string,
): Promise<{ response: Response; leadsTo: string; at: string }> {
  const { origin } = new URL(url)
  let at = url
  for (let hops = 0; hops < 10; hops++) {
    const response = await browser.get(at)
    const location = response.headers.get('location') ?? (await jsonRedirect(response))
    if (location === null) return { response, leadsTo: '', at }
    const next = new URL(location, at).href
    if (!next.startsWith(`${origin}/`)) return { response, leadsTo: next, at }
    at = next
  }
  throw new Error(`too many redirects, the last to ${at}`)
}

/** Where better-auth leads a script: Node's fetch says that it is one, whatever headers it is given. */
async function jsonRedirect(response: Response): Promise<string | null> {
  if (!response.headers.get('content-type')?.startsWith('application/json')) return null
  const { redirect, url } = (await response.clone().json()) as { redirect?: boolean; url?: string }
  return redirect === true ? (url ?? null) : null
}

/** The query of an OAuth authorization request, with PKCE. */
export function authorizationQuery(more: Record<string, string>): URLSearchParams {
  const code_challenge = createHash('sha256').update(codeVerifier).digest('base64url')
  const fixed = { redirect_uri: redirectUri, response_type: 'code', scope: 'openid events.read' }
  return new URLSearchParams({ ...fixed, code_challenge, code_challenge_method: 'S256', ...more })
}

/**
 * The access token for the code that an authorization response carries.
 * @param client `client_id`, and what else the token request names
 */
export async function redeem(tokenEndpoint: string, leadsTo: string, client: Record<string, string>): Promise<string> {
  const code = new URL(leadsTo).searchParams.get('code') ?? ''
  const body = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...client }
  const form = new URLSearchParams({ ...body, code_verifier: codeVerifier })
  const answer = await fetch(tokenEndpoint, { method: 'POST', body: form })
  return ((await answer.json()) as { access_token: string }).access_token
}

type View = ReturnType<ReturnType<typeof createAgent>['forUser']>

/** The agent asks for events, and the user of the browser allows it on the consent page. */
export async function allow(browser: Browser, view: View, { origin, api }: StartedExample): Promise<void> {
  const error = await view.fetch(`${api}/events`).catch((thrown: unknown) => thrown)
  if (!(error instanceof AgentError) || error.url === undefined) throw error
  const { response, at } = await follow(browser, error.url)
  const page = await response.text()
  expect([new URL(at).pathname, page.includes('See your events')]).toEqual(['/agent/consent', true])
  const form = { ...hiddenFields(page), 'scope:events.read': 'on', decision: 'allow' }
  const answer = await browser.post(`${origin}/agent/consent`, form)
  await view.handleCallback(new URL(answer.headers.get('location') ?? ''))
}
