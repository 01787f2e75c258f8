// An application that is an OAuth server (oidc-provider) and an AAuth auth server on one origin, with one user database, one sign-in
// and one list of connected apps. Its API, on the next port, lets OAuth clients and AAuth agents in.
//
//   node examples/beside-oauth/app.mjs [port]
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { askUsers, createAuthServer } from '@countersign/auth-server'
import { bearer, createResource } from '@countersign/resource'
import { guard, wellKnown } from '@countersign/resource/node'
import { keysFile, mountNode } from '@countersign/server'
import { hostSession, userDesk } from '@countersign/user-desk'
import Provider from 'oidc-provider'
import { connectedApps, signInPage } from './pages.mjs'
import { signIn, signOut, userOf } from './users.mjs'

/**
 * Starts the application and its API; resolves with their URLs, and a function that ends both.
 * @param o.folder keeps the keys: a restart signs under the same ones
 */
export async function start({
  port = 4800,
  folder = import.meta.dirname,
  redirectUri = 'http://127.0.0.1:4799/callback',
} = {}) {
  const origin = `http://localhost:${port}`
  const api = `http://localhost:${port + 1}`
  const oauth = createOAuth(origin, redirectUri)
  const aauth = await createAuthServer({
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
            const user = userOf(headerOf(message, 'cookie'))
            return user && { subject: user.id, claims: { name: user.name } }
          },
          signInUrl: ({ returnTo }) => `${origin}/sign-in?${new URLSearchParams({ return_to: returnTo })}`,
          signOut: async message => [signOut(headerOf(message, 'cookie'))],
        }),
      ],
    }),
  })
  const servers = [
    createServer(site({ origin, oauth, aauth })),
    createServer(await apiOf({ origin, api, oauth, folder })),
  ]
  await Promise.all(servers.map((server, at) => new Promise(resolve => server.listen(port + at, '127.0.0.1', resolve))))
  const end = async () => {
    for (const server of servers) server.closeAllConnections()
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))))
    await aauth.close()
  }
  return { origin, api, end }
}

function headerOf({ headers }, name) {
  return headers
    .filter(([each]) => each.toLowerCase() === name)
    .map(([, value]) => value)
    .join('; ')
}

/** The OAuth server that was there before. */
function createOAuth(origin, redirectUri) {
  const provider = new Provider(origin, {
    clients: [
      {
        client_id: 'mobile',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
      },
    ],
    scopes: ['openid', 'events.read'],
    cookies: { keys: ['change this'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: { AccessToken: 600, Grant: 86_400, IdToken: 600, Interaction: 600, Session: 86_400 },
  })
  /** The grants of each user, since the provider does not list them. */
  const grants = new Map()
  return { provider, answer: provider.callback(), grants }
}

/** The site: AAuth first, then its own pages, then OAuth. */
function site({ origin, oauth, aauth }) {
  const mounted = mountNode(aauth)
  return async (request, response) => {
    // Reads nothing of a request that is not for it.
    if (await mounted(request, response)) return
    const url = new URL(request.url, origin)
    const user = userOf(request.headers.cookie)
    const send = (status, headers, body = '') => response.writeHead(status, headers).end(body)
    const form = request.method === 'POST' && !url.pathname.startsWith('/token') ? await formOf(request, origin) : null
    if (form === undefined) return send(403, {}, 'This form was not sent by our own page.')
    if (url.pathname === '/sign-in') {
      const returnTo = (form ?? url.searchParams).get('return_to') ?? '/apps'
      if (!isOwn(returnTo, origin)) return send(400, {}, 'return_to leads elsewhere.')
      const cookie = form && signIn(form.get('name') ?? '', form.get('password') ?? '')
      if (cookie) return send(303, { location: returnTo, 'set-cookie': cookie })
      return send(form ? 403 : 200, html, signInPage(returnTo, { isWrong: form !== null }))
    }
    if (url.pathname === '/sign-out' && form) {
      await endOAuthSession(oauth, request)
      return send(303, { location: '/sign-in', 'set-cookie': signOut(request.headers.cookie) })
    }
    if (url.pathname.startsWith('/interaction/')) return decide({ oauth, request, response, user, origin })
    if (url.pathname === '/apps') {
      if (user === undefined) return send(303, { location: '/sign-in?return_to=/apps' })
      const account = { issuer: origin, subject: user.id }
      if (form?.get('agent')) await aauth.access.takeBack(account, { agent: form.get('agent') })
      if (form?.get('grant')) await endGrant(oauth, user, form.get('grant'))
      const { access } = await aauth.access.list(account)
      return send(200, html, connectedApps({ user, agents: access, clients: oauth.grants.get(user.id) ?? [] }))
    }
    return oauth.answer(request, response)
  }
}

const html = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}

/** Open redirect: only to pages of this origin. */
function isOwn(url, origin) {
  return URL.canParse(url, origin) && new URL(url, origin).origin === origin
}

/** The form of a request; undefined for one that another site sent (CSRF). */
async function formOf(request, origin) {
  if (request.headers.origin !== origin) return undefined
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > 10_000) return undefined
  }
  return new URLSearchParams(text)
}

/** Signs the application's user in to an OAuth request, and grants what the client asked for. */
async function decide({ oauth, request, response, user, origin }) {
  const { provider, grants } = oauth
  const details = await provider.interactionDetails(request, response)
  if (user === undefined) {
    const location = `/sign-in?${new URLSearchParams({ return_to: new URL(request.url, origin).href })}`
    return response.writeHead(303, { location }).end()
  }
  const { client_id: clientId, scope } = details.params
  const grant = new provider.Grant({ accountId: user.id, clientId })
  grant.addOIDCScope(scope)
  const grantId = await grant.save()
  grants.set(user.id, [...(grants.get(user.id) ?? []), { clientId, scope, grantId }])
  return provider.interactionFinished(request, response, { login: { accountId: user.id }, consent: { grantId } })
}

/** Ends the OAuth server's session of a browser. */
async function endOAuthSession({ provider }, request) {
  const id = /(?:^|; )_session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  await (id && (await provider.Session.find(id)))?.destroy()
}

/** Disconnects an OAuth client: its tokens are good no longer. */
async function endGrant({ provider, grants }, user, grantId) {
  const own = grants.get(user.id) ?? []
  // Only of this user.
  if (!own.some(each => each.grantId === grantId)) return
  await provider.AccessToken.revokeByGrantId(grantId)
  await (await provider.Grant.find(grantId))?.destroy()
  grants.set(
    user.id,
    own.filter(each => each.grantId !== grantId),
  )
}

/** An API that takes access tokens of the OAuth server as before, and AAuth beside them. */
async function apiOf({ origin, api, oauth, folder }) {
  const resource = createResource({
    id: api,
    development: true,
    keys: await keysFile(join(folder, 'api-keys.json')),
    authServers: [origin],
    scopes: { 'events.read': 'See your events' },
  })
  const alsoAccept = bearer(async text => {
    const token = await oauth.provider.AccessToken.find(text)
    if (token === undefined || !token.isValid) return undefined
    return { user: { iss: origin, sub: token.accountId }, scope: [...token.scopes] }
  })
  const own = wellKnown(resource)
  const events = guard(resource, { scope: 'events.read', alsoAccept }, (_, response, { user, agent, credential }) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ credential, user: user?.sub, agent, events: ['Chess at eight'] }))
  })
  return async (request, response) => {
    if (await own(request, response)) return
    if (new URL(request.url, api).pathname === '/events') return events(request, response)
    response.writeHead(404).end()
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { origin, api } = await start({ port: Number(process.argv[2] ?? 4800) })
  console.log(`the application: ${origin}/apps (ada, analytical)\nits API: ${api}/events`)
}
