import { thumbprintOf } from '../../signing/key.js'
import type { PeerAnswer } from '../shared/refusal.js'
import { authToken, checkToken, readJws, type TokenType } from '../shared/token.js'
import type { Visit } from './browser.js'
import type { Context } from './context.js'
import { errorPage, seeOther } from './html.js'
import { sendForm } from './send.js'
import { type Asked, type Browser, linkKey, type OpenRequest } from './state.js'
import { secret } from './values.js'

const failed = (): PeerAnswer => errorPage(403, 'The other account was not found to be yours.')

/** A token for the agent itself, which names no agent. */
const signInToken: TokenType = { ...authToken, malformed: () => undefined }

/** The user whom a request is for; undefined where any may answer. */
export function userFor({ state, id }: Context, { sub, upstream }: Asked): string | undefined {
  if (sub !== undefined) return sub
  if (upstream?.sub === undefined) return undefined
  return upstream.iss === id ? upstream.sub : state.links.get(linkKey(upstream.iss, upstream.sub))
}

/** Whether nobody knows yet who the user of the upstream token is here. */
export function needsLink(context: Context, { asked }: OpenRequest): boolean {
  return asked.upstream !== undefined && userFor(context, asked) === undefined
}

const callback = (id: string): string => `${id}/link/callback`

/** Sends the browser to the upstream auth server, to sign in there. @see protocol §7 */
export async function beginLink(context: Context, browser: Browser, request: OpenRequest): Promise<PeerAnswer> {
  const iss = request.asked.upstream?.iss ?? ''
  const state = secret()
  const redirect_uri = callback(context.id)
  const metadata = await context.documents.metadata('aauth-issuer', iss)
  const form = { request_type: 'auth', scope: 'openid', redirect_uri, state }
  const answer = await sendForm(context, String(metadata['agent_token_endpoint']), form)
  if (answer.status !== 200) return failed()
  const { request_token } = (await answer.json()) as { readonly request_token: string }
  browser.linking.set(state, { request, upstreamToken: request_token })
  const query = new URLSearchParams({ request_token, redirect_uri, state })
  return seeOther(`${String(metadata['agent_auth_endpoint'])}?${query}`)
}

/** The browser comes back from the upstream auth server. */
export async function linkCallback(context: Context, { browser, query }: Visit): Promise<PeerAnswer> {
  const begun = browser.linking.get(query.get('state') ?? '')
  browser.linking.delete(query.get('state') ?? '')
  const code = query.get('code')
  if (begun === undefined || code === null) return failed()
  const { request, upstreamToken } = begun
  const { iss = '', sub } = request.asked.upstream ?? {}
  if (query.get('iss') !== iss) return failed()
  const metadata = await context.documents.metadata('aauth-issuer', iss)
  const form = { request_type: 'code', code, redirect_uri: callback(context.id), request_token: upstreamToken }
  const answer = await sendForm(context, String(metadata['agent_token_endpoint']), form)
  if (answer.status !== 200) return failed()
  const { auth_token } = (await answer.json()) as { readonly auth_token: string }
  const jws = readJws(auth_token, signInToken.refuse)
  await checkToken(jws, signInToken, { ...context, isTrusted: issuer => issuer === iss })
  const { claims } = jws
  if (claims['aud'] !== context.id) return failed()
  if (thumbprintOf(Object(Object(claims['cnf']).jwk)) !== context.key.thumbprint) return failed()
  if (claims['sub'] !== sub) return failed()
  browser.signedInThere.set(request.token, String(sub))
  return seeOther(`/consent?request=${request.token}`)
}

/** The user says that both accounts are theirs. */
export function connect(context: Context, { browser, form }: Visit): PeerAnswer {
  const request = context.state.requests.get(form.get('request') ?? '')
  const there = request === undefined ? undefined : browser.signedInThere.get(request.token)
  if (request === undefined || there === undefined || browser.user === undefined) return failed()
  if (form.get('decision') !== 'connect') return failed()
  context.state.links.set(linkKey(request.asked.upstream?.iss ?? '', there), browser.user.sub)
  return seeOther(`/consent?request=${request.token}`)
}
