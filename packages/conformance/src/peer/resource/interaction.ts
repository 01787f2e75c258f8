import { headerValue } from '../../wire/message.js'
import { errorPage, seeOther } from '../auth-server/html.js'
import { isNamedRedirect } from '../auth-server/redirect.js'
import type { PeerAnswer } from '../shared/refusal.js'
import type { PeerRequest } from '../shared/request.js'
import type { Errand } from './errand.js'
import { callbackOf } from './errands.js'
import { ownToken } from './exchange.js'
import { goToOAuth, redeemOAuth } from './oauth.js'
import { askTokens, secret } from './outgoing.js'
import type { Site } from './site.js'

const unknown = (): PeerAnswer => errorPage(404, 'There is no such session.')
const elsewhere = (): PeerAnswer => errorPage(403, 'It was begun in another browser.')

/** The pages by which the user of a caller goes on, and comes back; undefined of another path. @see protocol §7 */
export async function pageAt(request: PeerRequest, site: Site): Promise<PeerAnswer | undefined> {
  if (request.method !== 'GET') return undefined
  const query = new URLSearchParams(request.query)
  if (request.path === '/interaction') return goOn(request, query, site)
  if (request.path === '/interaction/callback') return comeBack(request, query, site)
  if (request.path === '/interaction/oauth') return comeBackFromOAuth(request, query, site)
  return undefined
}

const cookieName = ({ state }: Errand): string => `__Host-${state}`

/** Whether the browser of a request is the one that opened the errand. */
function isItsBrowser(request: PeerRequest, errand: Errand): boolean {
  const pairs = (headerValue(request, 'cookie') ?? '').split(/[;,] */)
  return errand.browser !== undefined && pairs.includes(`${cookieName(errand)}=${errand.browser}`)
}

async function goOn(request: PeerRequest, query: URLSearchParams, site: Site): Promise<PeerAnswer> {
  const errand = site.errands.get(query.get('session') ?? '')
  if (errand === undefined || errand.hasReturned || errand.until < site.now()) return unknown()
  const [home = '', ...more] = query.getAll('return_url')
  const metadata = await site.documents.metadata('aauth-agent', errand.agent)
  if (more.length > 0 || !isNamedRedirect(metadata, home)) return errorPage(400, 'return_url is not one of the agent.')
  if (errand.browser !== undefined && !isItsBrowser(request, errand)) return elsewhere()
  errand.browser ??= secret()
  errand.home = { url: home, state: query.get('state') ?? undefined }
  const { agent_auth_endpoint: page } = await site.documents.metadata('aauth-issuer', errand.authServer)
  const { requestToken: request_token, state } = errand
  const onward = new URLSearchParams({ request_token, redirect_uri: callbackOf(site.id), state })
  const cookie = `${cookieName(errand)}=${errand.browser}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=600`
  const answer = seeOther(`${String(page)}?${onward}`)
  return { ...answer, headers: { ...answer.headers, 'set-cookie': cookie } }
}

async function comeBack(request: PeerRequest, query: URLSearchParams, site: Site): Promise<PeerAnswer> {
  const errand = [...site.errands.values()].find(({ state }) => state === query.get('state'))
  if (errand === undefined || errand.hasReturned || errand.until < site.now()) return unknown()
  if (!isItsBrowser(request, errand)) return elsewhere()
  if (query.get('iss') !== errand.authServer) return errorPage(400, 'It is the answer of another auth server.')
  errand.hasReturned = true
  const code = query.get('code')
  if (code === null) return goHome(errand, { error: 'access_denied' })
  const answer = await askTokens(site, errand.authServer, {
    request_type: 'code',
    code,
    redirect_uri: callbackOf(site.id),
    request_token: errand.requestToken,
  })
  const token = answer.body['auth_token']
  const claims = await ownToken(site, errand.authServer, token)
  if (errand.kind === 'sign-in') {
    const isForItself = claims['aud'] === site.id && claims['agent'] === undefined
    if (!isForItself || claims['sub'] !== errand.sub) {
      site.errands.delete(errand.handle)
      return errorPage(403, 'Another user is signed in there.')
    }
    return goToOAuth(errand, site)
  }
  if (claims['aud'] !== site.downstream || claims['agent'] !== site.id) return errorPage(400, 'The token is another.')
  return finish(errand, String(token))
}

async function comeBackFromOAuth(request: PeerRequest, query: URLSearchParams, site: Site): Promise<PeerAnswer> {
  const errand = [...site.errands.values()].find(
    ({ oauth }) => oauth !== undefined && oauth.state === query.get('state'),
  )
  if (errand === undefined || errand.result !== undefined || errand.until < site.now()) return unknown()
  if (!isItsBrowser(request, errand)) return elsewhere()
  const code = query.get('code')
  return code === null
    ? goHome(errand, { error: 'access_denied' })
    : finish(errand, await redeemOAuth(errand, code, site))
}

/** Keeps what came of an errand, for its caller alone. */
function finish(errand: Errand, token: string): PeerAnswer {
  errand.result = { token, code: secret() }
  return goHome(errand, { interaction: errand.result.code })
}

function goHome({ home }: Errand, answer: Readonly<Record<string, string>>): PeerAnswer {
  const url = new URL(home?.url ?? '')
  if (home?.state !== undefined) url.searchParams.set('state', home.state)
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value)
  return seeOther(url.href)
}
