// An application whose users sign in with better-auth, which is an OAuth server as well, and an AAuth auth server on the same origin:
// one user database, one sign-in, one list of connected apps. Its API, on the next port, lets OAuth clients and AAuth agents in.
//
//   node examples/beside-better-auth/app.mjs [port]
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { keysFile, mountNode } from '@countersign/server'
import { hostSession, userDesk } from '@countersign/user-desk'
import { toNodeHandler } from 'better-auth/node'
import { apiOf } from './api.mjs'
import { connectedApps, consentPage, signInPage } from './pages.mjs'
import { connectedClients, createUsers, disconnectClient } from './users.mjs'

/**
 * Starts the application and its API; resolves with their URLs, the id of the OAuth client, and a function that ends both.
 * @param o.folder keeps the keys: a restart signs under the same ones
 */
export async function start({
  port = 4820,
  folder = import.meta.dirname,
  redirectUri = 'http://127.0.0.1:4799/callback',
} = {}) {
  const origin = `http://localhost:${port}`
  const api = `http://localhost:${port + 1}`
  const { users, clientId, introspector } = await createUsers({ origin, api, redirectUri })
  const auth = await createAuthServer({
    issuer: origin,
    development: true,
    keys: await keysFile(join(folder, 'auth-keys.json')),
    database: 'sqlite::memory:',
    policy: askUsers([{ agents: 'any', resources: [api] }]),
    desk: userDesk({
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
    }),
  })
  const servers = [
    createServer(siteOf({ origin, users, auth })),
    createServer(await apiOf({ origin, api, introspector, folder })),
  ]
  await Promise.all(servers.map((server, at) => new Promise(resolve => server.listen(port + at, '127.0.0.1', resolve))))
  const end = async () => {
    for (const server of servers) server.closeAllConnections()
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    await auth.close()
  }
  return { origin, api, clientId, end }
}

/** The cookies of a request, as better-auth takes them. */
function cookiesOf({ headers }) {
  const cookies = headers.filter(([name]) => name.toLowerCase() === 'cookie').map(([, value]) => value)
  return new Headers({ cookie: cookies.join('; ') })
}

/** AAuth first, then better-auth, then the application's own pages. */
function siteOf({ origin, users, auth }) {
  const mounted = mountNode(auth)
  const ofUsers = toNodeHandler(users)
  return async (request, response) => {
    if (await mounted(request, response)) return
    const url = new URL(request.url, origin)
    if (isOfUsers(url.pathname)) return ofUsers(request, response)
    const send = (status, headers, page = '') =>
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(page)
    return answer({ origin, users, auth, request, url, send })
  }
}

const isOfUsers = path => path.startsWith('/api/auth/') || path === '/.well-known/oauth-authorization-server/api/auth'

/** Answers with the application's own pages. */
async function answer({ origin, users, auth, request, url, send }) {
  if (url.pathname === '/sign-in') {
    const returnTo = url.searchParams.get('return_to') ?? '/apps'
    // Open redirect: only to pages of this origin.
    const isOwn = URL.canParse(returnTo, origin) && new URL(returnTo, origin).origin === origin
    return isOwn ? send(200, {}, signInPage) : send(400, {})
  }
  if (!['/apps', '/consent'].includes(url.pathname)) return send(404, {})
  const headers = new Headers({ cookie: request.headers.cookie ?? '' })
  const session = await users.api.getSession({ headers })
  if (!session) return send(303, { location: '/sign-in?return_to=/apps' })
  if (url.pathname === '/consent') {
    const query = { client_id: url.searchParams.get('client_id') ?? '' }
    const client = await users.api.getOAuthClientPublic({ headers, query }).catch(() => undefined)
    const scope = (url.searchParams.get('scope') ?? '').replaceAll(' ', ', ')
    return client ? send(200, {}, consentPage({ name: client.client_name, scope })) : send(404, {})
  }
  const account = { issuer: origin, subject: session.user.id }
  if (request.method === 'POST') {
    // CSRF: only a form of this origin.
    if (request.headers.origin !== origin) return send(403, {})
    const form = await formOf(request)
    if (form.get('agent')) await auth.access.takeBack(account, { agent: form.get('agent') })
    if (form.get('consent')) await disconnectClient(users, headers, form.get('consent'))
    return send(303, { location: '/apps' })
  }
  const { access } = await auth.access.list(account)
  const clients = await connectedClients(users, headers)
  return send(200, {}, connectedApps({ user: session.user, agents: access, clients }))
}

async function formOf(request) {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > 10_000) return new URLSearchParams()
  }
  return new URLSearchParams(text)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { origin, api } = await start({ port: Number(process.argv[2] ?? 4820) })
  console.log(`the application: ${origin}/apps (ada@example.org, analytical engine)\nits API: ${api}/events`)
}
