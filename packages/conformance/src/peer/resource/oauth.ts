import { createHash } from 'node:crypto'
import { seeOther } from '../auth-server/html.js'
import { type PeerAnswer, refusing } from '../shared/refusal.js'
import type { Errand } from './errand.js'
import { askForUser, type Called, callbackOf, resultOf, whoIs } from './errands.js'
import { askTokens, away, secret } from './outgoing.js'
import type { Site } from './site.js'

const callback = (id: string): string => `${id}/interaction/oauth`

/** Calls an API behind OAuth for the user of a route's caller. @see protocol §7 */
export async function callApi(called: Called): Promise<PeerAnswer> {
  const { caller, site } = called
  const who = whoIs(caller)
  const token = resultOf(called) ?? site.accessTokens.get(who)
  if (token === undefined) throw await askToSignIn(called)
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${site.oauthServer}/`, { headers, redirect: 'manual' }).catch(() => undefined)
  if (response?.status === 401) {
    site.accessTokens.delete(who)
    throw await askToSignIn(called)
  }
  if (response?.ok !== true) throw away('the API behind this resource does not answer')
  site.accessTokens.set(who, token)
  return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"done":true}' }
}

/** The user must sign in at the issuer of the upstream token first: the OAuth server does not know who that is. */
async function askToSignIn(called: Called): Promise<Error> {
  const { caller, site } = called
  if (caller.claims?.['sub'] === undefined)
    throw refusing(403, 'access_denied')('user_missing', 'the token has no user')
  const authServer = String(caller.claims['iss'])
  const state = secret()
  const form = { request_type: 'auth', scope: 'openid', redirect_uri: callbackOf(site.id), state }
  const { status, body } = await askTokens(site, authServer, form)
  const requestToken = body['request_token']
  if (typeof requestToken !== 'string') throw away(`the auth server answered ${status}`)
  return askForUser(called, { authServer, requestToken, state, kind: 'sign-in' })
}

async function oauthMetadata({ oauthServer }: Site): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${oauthServer}/.well-known/oauth-authorization-server`, { redirect: 'manual' })
  const metadata = Object(await response.json())
  if (metadata.issuer !== oauthServer) throw away('the OAuth server says that it is another')
  return metadata
}

/** Sends the browser on to the OAuth server. */
export async function goToOAuth(errand: Errand, site: Site): Promise<PeerAnswer> {
  const { authorization_endpoint: page } = await oauthMetadata(site)
  errand.oauth = { state: secret(), verifier: secret() }
  const onward = new URLSearchParams({
    response_type: 'code',
    client_id: 'peer',
    redirect_uri: callback(site.id),
    scope: 'read',
    state: errand.oauth.state,
    code_challenge: createHash('sha256').update(errand.oauth.verifier).digest('base64url'),
    code_challenge_method: 'S256',
  })
  return seeOther(`${String(page)}?${onward}`)
}

/** Redeems a code of the OAuth server. */
export async function redeemOAuth({ oauth }: Errand, code: string, site: Site): Promise<string> {
  const { token_endpoint: endpoint } = await oauthMetadata(site)
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback(site.id),
    client_id: 'peer',
    code_verifier: oauth?.verifier ?? '',
  })
  const response = await fetch(String(endpoint), { method: 'POST', body, redirect: 'manual' })
  const { access_token: token } = Object(await response.json().catch(() => undefined))
  if (typeof token !== 'string') throw away('the OAuth server gave no token')
  return token
}
