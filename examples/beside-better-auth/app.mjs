// An application whose users sign in with better-auth, and an AAuth auth server on the same origin: one user database, one sign-in.
//
//   node examples/beside-better-auth/app.mjs [port]
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { askUsers, createAuthServer, hostSession } from '@countersign/auth-server'
import { generateSigningKey } from '@countersign/httpsig'
import { mountNode } from '@countersign/server'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { toNodeHandler } from 'better-auth/node'

/** Starts the application with one user, Ada; resolves with its URL, the auth server, and a function that ends it. */
export async function start({ port = 4720, resources = 'any' } = {}) {
  const origin = `http://localhost:${port}`
  const users = betterAuth({
    baseURL: origin,
    secret: randomBytes(32).toString('base64url'),
    // A real application has its own database here.
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
  })
  await users.api.signUpEmail({
    body: { email: 'ada@example.org', name: 'Ada Lovelace', password: 'analytical engine' },
  })
  const auth = await createAuthServer({
    issuer: origin,
    development: true,
    keys: [{ kid: 'auth', key: await generateSigningKey() }],
    database: 'sqlite::memory:',
    policy: askUsers([{ agents: 'any', resources }]),
    login: [
      hostSession({
        name: 'Example',
        issuer: origin,
        async account(message) {
          const found = await users.api.getSession({ headers: cookiesOf(message) })
          return (
            found && {
              subject: found.user.id,
              claims: { name: found.user.name, email: found.user.email, email_verified: found.user.emailVerified },
            }
          )
        },
        signInUrl: ({ returnTo }) => `${origin}/sign-in?${new URLSearchParams({ return_to: returnTo })}`,
        async signOut(message) {
          const ended = await users.api.signOut({ headers: cookiesOf(message), asResponse: true })
          return ended.headers.getSetCookie()
        },
      }),
    ],
  })
  const server = createServer(siteOf({ origin, users, mounted: mountNode(auth) }))
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
  const end = async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await auth.close()
  }
  return { origin, auth, end }
}

/** The cookies of a request, as better-auth takes them. */
function cookiesOf({ headers }) {
  const cookies = headers.filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value)
  return new Headers({ cookie: cookies.join('; ') })
}

/** AAuth first, then better-auth, then the application's own pages. */
function siteOf({ origin, users, mounted }) {
  const ofUsers = toNodeHandler(users)
  return async (request, response) => {
    if (await mounted(request, response)) return
    const url = new URL(request.url, origin)
    if (url.pathname.startsWith('/api/auth/')) return ofUsers(request, response)
    if (url.pathname !== '/sign-in') return response.writeHead(404).end()
    const returnTo = url.searchParams.get('return_to') ?? '/account'
    // Open redirect: only to pages of this origin.
    if (!URL.canParse(returnTo, origin) || new URL(returnTo, origin).origin !== origin)
      return response.writeHead(400).end()
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(signInPage)
  }
}

const signInPage = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in</title>
<h1>Sign in to Example</h1>
<form><label>E-mail <input name="email" type="email" required autocomplete="username"></label>
<label>Password <input name="password" type="password" required autocomplete="current-password"></label>
<button>Sign in</button> <output role="alert"></output></form>
<script type="module">
  document.forms[0].addEventListener('submit', async event => {
    event.preventDefault()
    const body = JSON.stringify(Object.fromEntries(new FormData(event.target)))
    const headers = { 'content-type': 'application/json' }
    const { ok } = await fetch('/api/auth/sign-in/email', { method: 'POST', headers, body })
    if (ok) location.href = new URLSearchParams(location.search).get('return_to') ?? '/account'
    else document.querySelector('output').textContent = 'The e-mail address or the password is wrong.'
  })
</script>`

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { origin } = await start({ port: Number(process.argv[2] ?? 4720) })
  console.log(`the application: ${origin}/account (ada@example.org, analytical engine)`)
}
