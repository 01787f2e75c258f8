import { type Agent, AgentError } from '@countersign/agent'
import type { ReceivedMessage } from '@countersign/httpsig'
import type { Resource } from '@countersign/resource'
import { type AAuthEnv, guard, wellKnown } from '@countersign/resource/hono'
import { type Context, Hono } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { html } from 'hono/html'

/** What the web app needs: it is an agent, and the audience of the tokens that name its users. */
export interface WebAppOptions {
  readonly agent: Agent
  readonly authServer: string
  /** Guards its own API. */
  readonly api: Resource
}

interface Env extends AAuthEnv {
  readonly Bindings: { readonly received: ReceivedMessage }
}

const longestList = 1000

/** A web app with many users, which the auth server signs in; its delegates call its API with the same kind of token. */
export function webApp({ agent, authServer, api }: WebAppOptions): Hono<Env> {
  /** The name of the signed-in user, by session. */
  // bound: longestList; grown by the program
  const names = new Map<string, string>()
  const app = new Hono<Env>()
  app.use(wellKnown(api))
  app.get('/', c => {
    const name = names.get(sessionOf(c) ?? '')
    return page(c, name === undefined ? 'Nobody is signed in' : `Hello ${name}`)
  })
  app.get('/sign-in', async c => {
    // Session fixation: each sign-in gets a new session, so that a planted one is never signed in.
    const session = crypto.randomUUID()
    setCookie(c, cookieOf(c), session, { httpOnly: true, sameSite: 'Lax', path: '/' })
    try {
      await agent.forUser(session).signIn({ authServer, scope: 'openid profile email' })
      return c.redirect('/', 303)
    } catch (error) {
      if (!(error instanceof AgentError) || error.url === undefined) throw error
      return c.redirect(error.url, 303)
    }
  })
  app.get('/signed-in', async c => {
    const session = sessionOf(c)
    if (session === undefined) return page(c, 'Begin again: this browser has no session here', 400)
    try {
      const { user } = await agent.forUser(session).handleCallback(c.req.raw)
      if (names.size >= longestList) names.delete(names.keys().next().value ?? '')
      names.set(session, String(user?.claims['name'] ?? user?.sub))
      return c.redirect('/', 303)
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      return page(c, error.code === 'denied' ? 'You were not signed in' : 'This answers nothing that began here')
    }
  })
  // Only the app's own delegates may call it, for any user.
  app.get('/api/me', guard(api, { scope: 'openid', agents: [api.id] }), c => {
    const { user, delegate } = c.var.aauth
    return c.json({ ...user, delegate })
  })
  return app
}

function sessionOf(c: Context): string | undefined {
  return getCookie(c, cookieOf(c))
}

/** The cookie's name has the port, because browsers send the cookies of one port to all others. */
function cookieOf(c: Context): string {
  return `web-app-${new URL(c.req.url).port}`
}

function page(c: Context, heading: string, status: 200 | 400 = 200): Response | Promise<Response> {
  c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
  c.header('cache-control', 'no-store')
  c.header('referrer-policy', 'no-referrer')
  return c.html(
    html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Web app</title>
<h1>${heading}</h1>
<p><a href="/sign-in">Sign in</a></p>
</html>`,
    status,
  )
}
