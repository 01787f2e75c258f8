import { createHash } from 'node:crypto'
import { thumbprintOf } from '../../signing/key.js'
import { wordsOf } from '../shared/identifier.js'
import type { JsonObject } from '../shared/json.js'
import { type PeerAnswer, type Refusing, refusing } from '../shared/refusal.js'
import { isInnerList, type Parameters, readDictionary } from '../shared/strict-field.js'
import { authToken, checkToken, type Jws, readJws, resourceToken, type TokenType } from '../shared/token.js'
import { askForUser, type Called, callbackOf, resultOf } from './errands.js'
import { askTokens, away, secret, sendSigned, type TokenAnswer } from './outgoing.js'
import type { Site } from './site.js'

const final: Refusing = refusing(403, 'access_denied')
const broken: Refusing = (_, text) => away(text)

/** Calls the resource behind this one for the caller of a route. @see protocol §7 */
export async function callDownstream(called: Called): Promise<PeerAnswer> {
  const { site, signature } = called
  const url = `${site.downstream}/`
  const upstream = signature.keyParameters.get('jwt') ?? ''
  const name = createHash('sha256').update(upstream).digest('base64url')
  const result = resultOf(called)
  const kept = result ?? site.exchanged.get(name)?.token
  const { iss, grant } = called.caller.claims ?? {}
  const isDone = (response: Response): boolean => response.status !== 401
  if (kept !== undefined) {
    const response = await sendSigned(site, { url, token: kept })
    if (isDone(response)) {
      site.exchanged.set(name, { token: kept, grant: `${iss} ${grant}` })
      return answerOf(response)
    }
    site.exchanged.delete(name)
  }
  const asked = await sendSigned(site, { url })
  if (isDone(asked)) return answerOf(asked)
  const token = await exchanged(called, upstream, asked.headers.get('agent-auth') ?? '')
  const response = await sendSigned(site, { url, token })
  if (!isDone(response)) throw away('the resource behind this one refuses its token')
  site.exchanged.set(name, { token, grant: `${iss} ${grant}` })
  return answerOf(response)
}

/** What the resource behind it answered, with no word about how it was asked. */
function answerOf({ status }: Response): PeerAnswer {
  const headers = { 'content-type': 'application/json' }
  if (status < 400) return { status: 200, headers, body: '{"done":true}' }
  if (status >= 500) throw away(`the resource behind this one answered ${status}`)
  throw final('downstream_refused', `the resource behind this one answered ${status}`)
}

interface Asked {
  readonly authServer: string
  readonly resourceToken: string
  readonly scope: string
}

/** Checks the challenge of the resource behind this one, as an agent does. @see protocol §4 */
async function readAsked(site: Site, value: string): Promise<Asked> {
  const parameters = challengeIn(value)
  const [token, authServer] = [parameters.get('resource_token'), parameters.get('auth_server')].map(one =>
    one?.kind === 'string' ? String(one.value) : '',
  ) as [string, string]
  if (!site.authServers.includes(authServer))
    throw final('auth_server_not_accepted', 'the auth server of the resource behind this one is not accepted')
  const jws = readJws(token, broken)
  await checkBehind(site, site.downstream, { jws, type: resourceToken })
  const { aud, agent, agent_delegate, agent_jkt, scope } = jws.claims
  const isOwn = agent === site.id && agent_delegate === undefined && agent_jkt === site.key.thumbprint
  if (!isOwn || aud !== authServer) throw away('the resource token is for another agent')
  return { authServer, resourceToken: token, scope: String(scope) }
}

function challengeIn(value: string): Parameters {
  try {
    const member = readDictionary(`a=${value.trim()}`).get('a')
    if (member !== undefined && !isInnerList(member)) return member.parameters
  } catch {
    // It is answered like one that asks for nothing.
  }
  throw away('the challenge of the resource behind this one cannot be read')
}

/** Exchanges the token of the caller for one of this resource. @throws Refusal */
async function exchanged(called: Called, upstream: string, challenge: string): Promise<string> {
  const { site } = called
  const asked = await readAsked(site, challenge)
  const state = secret()
  const answer = await askTokens(site, asked.authServer, {
    request_type: 'exchange',
    resource_token: asked.resourceToken,
    upstream_token: upstream,
    redirect_uri: callbackOf(site.id),
    state,
  })
  refuseAs(answer)
  const { auth_token: token, request_token: requestToken } = answer.body
  if (typeof requestToken === 'string')
    throw askForUser(called, { authServer: asked.authServer, requestToken, state, kind: 'exchange' })
  const claims = await ownToken(site, asked.authServer, token)
  const { aud, agent, agent_delegate, scope } = claims
  if (aud !== site.downstream) throw away('the auth token is for another resource')
  if (agent !== site.id || agent_delegate !== undefined) throw away('the auth token is for another agent')
  const granted = asked.scope.split(' ')
  if (!(wordsOf(scope) ?? []).every(word => granted.includes(word))) throw away('the auth token has more scope')
  return String(token)
}

/** What a middle answers where its auth server refuses. @see protocol §7 */
function refuseAs({ status, body: { error } }: TokenAnswer): void {
  if (status === 200) return
  if (status === 400 && (error === 'invalid_auth_token' || error === 'untrusted_issuer'))
    throw authToken.refuse('upstream_token_refused', 'the auth server behind this resource refuses the token')
  if (status === 403) throw final('downstream_denied', 'the auth server behind this resource said no')
  throw away(`the auth server behind this resource answered ${status}`)
}

/** Checks a token that was given to this resource. @see protocol §6.4 @throws Refusal */
export async function ownToken(site: Site, authServer: string, token: unknown): Promise<JsonObject> {
  if (typeof token !== 'string') throw away('the auth server gave no token')
  const jws = readJws(token, broken)
  await checkBehind(site, authServer, { jws, type: { ...authToken, malformed: () => undefined } })
  const { jwk } = Object(jws.claims['cnf'])
  if (thumbprintOf(Object(jwk)) !== site.key.thumbprint) throw away('the auth token is for another key')
  return jws.claims
}

/** A token of others that is wrong is no fault of the caller. */
async function checkBehind(
  site: Site,
  issuer: string,
  { jws, type }: { readonly jws: Jws; readonly type: TokenType },
): Promise<void> {
  const isTrusted = (iss: string): boolean => iss === issuer
  await checkToken(jws, { ...type, refuse: broken }, { ...site, isTrusted }).catch(() => {
    throw away('a token of what is behind this resource is wrong')
  })
}
