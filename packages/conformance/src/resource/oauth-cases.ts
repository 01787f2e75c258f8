import { randomUUID } from 'node:crypto'
import type { Case } from '../case/case.js'
import { type Trial, Undecided } from '../case/trial.js'
import { tokenError, tokenJson } from '../participants/desk.js'
import type { Reply, Visit } from '../participants/origin.js'
import type { Participant } from '../participants/participant.js'
import { signToken } from '../signing/token.js'
import { headerValue } from '../wire/message.js'
import { type Middle, openMiddle, type Upstream, upstream } from './middle.js'
import { cookiesOf, locationOf, open, returnTo, sentTo, withReturn } from './page-walk.js'
import type { ResourceStage } from './stage.js'

const group = 'oauth downstream'
const asked = { status: 401, error: 'interaction_required', challenge: ['user_interaction="'] }

/** The OAuth server, and what its API was asked with an access token that it gave. */
interface Provider extends Participant {
  readonly calls: Visit[]
}

/** Opens an OAuth server that gives every browser a code, and an API that takes its tokens. */
function openProvider({ oauthServer }: ResourceStage): Provider {
  if (oauthServer === undefined) throw new TypeError('the case needs a route with oauth')
  const { id, origin } = oauthServer
  const given = new Set<string>()
  const calls: Visit[] = []
  const metadata = {
    issuer: id,
    authorization_endpoint: `${id}/authorize`,
    token_endpoint: `${id}/token`,
    jwks_uri: `${id}/jwks.json`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
  }
  for (const name of ['openid-configuration', 'oauth-authorization-server'])
    origin.publish(`/.well-known/${name}`, metadata)
  origin.answer('/token', () => {
    const access_token = `conformance-${randomUUID()}`
    given.add(`Bearer ${access_token}`)
    return tokenJson({ access_token, token_type: 'Bearer', expires_in: 600 })
  })
  origin.answer('/', visit => {
    if (!given.has(headerValue(visit, 'authorization') ?? '')) return { status: 401, body: '' }
    calls.push(visit)
    return { headers: { 'content-type': 'application/json' }, body: '{"done":true}' }
  })
  return { ...oauthServer, calls }
}

/** Lets a user sign in at the issuer of the upstream token, for the resource as its agent. */
async function signsIn(trial: Trial, stage: ResourceStage, sub: string): Promise<void> {
  const middle: Middle = await openMiddle(trial, stage, {
    exchange({ form }): Reply {
      if (form['request_type'] === 'auth') return tokenJson({ request_token: `sign-in-${sub}`, expires_in: 600 })
      const jwk = middle.exchanges.at(-1)?.caller?.agent?.jwk
      if (jwk === undefined || form['request_type'] !== 'code') return tokenError('invalid_request')
      const { id: iss, kid, key } = stage.authServer
      const times = { iat: stage.now(), exp: stage.now() + 300 }
      const claims = { iss, aud: stage.id, cnf: { jwk }, sub, scope: 'openid', ...times, jti: randomUUID() }
      const auth_token = signToken({ header: { typ: 'auth+jwt', alg: key.alg, kid }, claims, key })
      return tokenJson({ auth_token, expires_in: 300 })
    },
  })
}

/** A browser that comes back from the issuer of the upstream token. */
interface Returning {
  readonly callback: string
  readonly cookie: string
}

/** Walks from a request to the issuer of the upstream token. @throws Undecided */
async function walkToIssuer(trial: Trial, stage: ResourceStage, caller: Upstream): Promise<Returning> {
  const url = withReturn(await sentTo(trial, caller), { return_url: returnTo(stage), state: 'own-state' })
  const response = await trial.control('the browser opens the page of the resource', open(stage, url))
  const onward = locationOf(response)
  const isThere = onward?.href.startsWith(`${stage.authServer.id}/agent/auth?`) === true
  trial.holds('it is sent to the issuer of the upstream token, not to the OAuth server', isThere, onward?.href)
  return {
    callback: backFrom(stage, onward, { code: 'code-1', iss: stage.authServer.id }),
    cookie: cookiesOf(response),
  }
}

/** The URL by which a server sends a browser back. @throws Undecided */
function backFrom(stage: ResourceStage, onward: URL | undefined, answer: Readonly<Record<string, string>>): string {
  const [back = '', state = ''] = ['redirect_uri', 'state'].map(name => onward?.searchParams.get(name) ?? '')
  if (!URL.canParse(back) || new URL(back).origin !== stage.id)
    throw new Undecided('failed', 'could not decide: the browser does not come back to the resource')
  return withReturn(back, { ...answer, state })
}

/** A resource that calls an API behind OAuth for its callers. @see protocol §7 */
export const oauthCases: readonly Case<ResourceStage>[] = [
  {
    id: 'exchange.oauth',
    words: 'must sign the browser in at the upstream issuer',
    group,
    needs: ['oauth', 'loopback'],
    async run(trial, stage) {
      const provider = openProvider(stage)
      const [ada, bob] = [`user-${randomUUID()}`, `user-${randomUUID()}`]
      const [ofAda, ofBob] = [upstream(stage, { sub: ada }, 'oauth'), upstream(stage, { sub: bob }, 'oauth')]
      await signsIn(trial, stage, ada)
      const { callback, cookie } = await walkToIssuer(trial, stage, ofAda)
      const signed = await trial.control('the user of the token has signed in there', open(stage, callback, cookie))
      const onward = locationOf(signed)
      const isAtProvider = onward?.href.startsWith(`${provider.id}/authorize?`) === true
      trial.holds('the browser goes on to the OAuth server', isAtProvider, onward?.href)
      const jar = cookiesOf(signed) || cookie
      const home = await trial.control(
        'the browser comes back from the OAuth server',
        open(stage, backFrom(stage, onward, { code: 'code-2' }), jar),
      )
      const code = locationOf(home)?.searchParams.get('interaction') ?? ''
      await trial.accepted('the retry, with the code', () => ofAda.request(code))
      trial.holds('the API is called with an access token', provider.calls.length > 0)
      await trial.refused('a request of another user', ofBob.request(), asked)

      const redeemed = provider.origin.visits.filter(({ target }) => target === '/token').length
      await signsIn(trial, stage, ada)
      const wrong = await walkToIssuer(trial, stage, ofBob)
      const page = await trial.refused(
        'another user than that of the token has signed in there',
        open(stage, wrong.callback, wrong.cookie),
        { status: [400, 403] },
      )
      trial.holds('that browser is led nowhere', locationOf(page) === undefined)
      await trial.refused('the request is asked for its user as before', ofBob.request(), asked)
      const now = provider.origin.visits.filter(({ target }) => target === '/token').length
      trial.holds('nothing was redeemed at the OAuth server for it', now === redeemed)
    },
  },
]
