import { headerLines, headerValue, jsonBody, type WireResponse } from '../../wire/message.js'
import { type Documents, openDocuments } from '../shared/documents.js'
import { isTexts } from '../shared/json.js'
import { askAtResource, askByCode, askByLink } from './ask-user.js'
import { type Challenge, readChallenge } from './challenge.js'
import { type KeptTokens, openKeptTokens } from './kept-tokens.js'
import { type Asked, checkResourceToken } from './resource-token.js'
import { isNotProcessed, type Outgoing, type Sent, sendSigned, waitAsTold } from './send-signed.js'
import { authorized, GaveUp, type How, identified, now, pseudonym, type Settings, type Signer } from './settings.js'
import { askDesk, checkTokenAnswer, type Desk, type TokenAnswer } from './token-endpoint.js'

/** What a call is about. */
export interface Call {
  readonly settings: Settings
  readonly how: How
  readonly method: string
  readonly url: URL
  readonly body?: string | undefined
}

/** A call on its way. */
interface Climb extends Call {
  readonly documents: Documents
  readonly kept: KeptTokens
  outgoing: Outgoing
  signer: Signer
  /** How often each kind of step was made. */
  readonly made: { resent: number; redirects: number; rounds: number; interactions: number; fallbacks: number }
}

/** Calls a resource, and shows it what it asks for. @throws GaveUp, Refusal */
export async function call(o: Call): Promise<void> {
  const { settings, how, method, url, body } = o
  const climb: Climb = {
    ...o,
    documents: openDocuments(now),
    kept: openKeptTokens(settings.state, how === 'other' ? 'another user' : 'the user'),
    outgoing: { url, method, body },
    signer: pseudonym(),
    made: { resent: 0, redirects: 0, rounds: 0, interactions: 0, fallbacks: 0 },
  }
  if (how !== 'pseudonym') await useKeptToken(climb)
  for (;;) {
    const sent = await sendSigned(climb.outgoing, climb.signer)
    climb.outgoing = { ...climb.outgoing, interaction: undefined }
    const { status } = sent.response
    if (status >= 300 && status < 400) follow(climb, sent.response)
    else if (status < 400) return
    else await climbOn(climb, sent)
  }
}

/** Follows a redirect on the same origin. @see protocol §4 */
function follow(climb: Climb, response: WireResponse): void {
  const { url, method, body } = climb.outgoing
  const location = headerValue(response, 'location') ?? ''
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
  if (next === undefined) throw new GaveUp('the redirect leads nowhere')
  if (next.origin !== url.origin) throw new GaveUp('the redirect leads to another origin')
  climb.made.redirects += 1
  if (climb.made.redirects > 5) throw new GaveUp('there are too many redirects')
  const isKept = method === 'GET' || response.status >= 307
  climb.outgoing = { url: next, method: isKept ? method : 'GET', body: isKept ? body : undefined }
}

/** Makes the next step after a refusal. */
async function climbOn(climb: Climb, sent: Sent): Promise<void> {
  const { response } = sent
  const { made } = climb
  if (jsonBody(response)?.['error'] === 'replay_detected') throw new GaveUp('the outcome is unknown: sent before')
  if (headerValue(response, 'aauth-requirement') !== undefined) throw new GaveUp('the resource is of a later edition')
  const lines = headerLines(response, 'agent-auth')
  if (lines.length === 0) throw new GaveUp(`the answer is ${response.status}, and that is final`)
  if (response.status === 503) {
    if (!isNotProcessed(response)) throw new GaveUp('the answer is 503')
    made.resent += 1
    if (made.resent > 1) throw new GaveUp('it was not processed twice')
    return waitAsTold(response)
  }
  const challenge = readChallenge(lines)
  const isDemanding = jsonBody(response)?.['reason'] === 'component_not_covered'
  if (challenge.asks === 'signature' || isDemanding) return demandMore(climb)
  if (challenge.asks === 'identity') return identify(climb)
  if (challenge.asks === 'auth-token') return authorize(climb, sent, challenge)
  return interact(climb, challenge.page)
}

/** What more a signature must cover stands in the metadata of the resource. @see protocol §3.4 */
async function demandMore(climb: Climb): Promise<void> {
  const { outgoing, documents } = climb
  const metadata = await documents.metadata('aauth-resource', outgoing.url.origin)
  const demanded = metadata['additional_signature_components']
  if (!isTexts(demanded) || outgoing.demanded !== undefined) throw new GaveUp('a signature does not help')
  climb.outgoing = { ...outgoing, demanded }
}

/** Says who the agent is. */
function identify(climb: Climb): void {
  const { how, signer, settings, made, kept, url } = climb
  if (how === 'pseudonym') throw new GaveUp('the agent may not say who it is')
  if (signer.level === 'identified') throw new GaveUp('an identity does not help')
  if (signer.level === 'authorized') {
    made.fallbacks += 1
    if (made.fallbacks > 1) throw new GaveUp('no token helps')
    kept.forget(url.origin)
  }
  climb.signer = identified(settings)
}

/** Gets an auth token. */
async function authorize(
  climb: Climb,
  { base }: Sent,
  challenge: Extract<Challenge, { asks: 'auth-token' }>,
): Promise<void> {
  const { settings, documents, kept, url, made, signer } = climb
  if (signer.level === 'pseudonymous') throw new GaveUp('a resource token was not for a pseudonym')
  made.rounds += 1
  if (made.rounds > 2) throw new GaveUp('no auth token helps')
  const resource = url.origin
  const asked = await checkResourceToken(challenge, { settings, documents, resource, base })
  const desk = { settings, documents, authServer: asked.authServer }
  const granted = await checkTokenAnswer(await ask(climb, desk, asked), desk, { ...asked, resource })
  if (asked.operation === undefined) kept.keep(resource, granted, asked)
  const { token } = granted
  climb.signer = authorized(settings, token)
}

function ask({ how }: Climb, desk: Desk, asked: Asked): Promise<TokenAnswer> {
  if (how === 'link') return askByLink(desk, asked)
  if (how === 'code') return askByCode(desk, asked)
  return askDesk(desk, { request_type: 'auth', resource_token: asked.token })
}

/** Sends the user to the resource. */
async function interact(climb: Climb, page: string): Promise<void> {
  climb.made.interactions += 1
  if (climb.made.interactions > 5) throw new GaveUp('no interaction helps')
  const o = { resource: climb.url.origin, hasBrowser: climb.how === 'link', settings: climb.settings }
  climb.outgoing = { ...climb.outgoing, interaction: await askAtResource(page, o) }
}

/** Begins with the token that is kept for the resource, refreshed where it has ended. @see protocol §6.2 */
async function useKeptToken(climb: Climb): Promise<void> {
  const { settings, documents, kept, url } = climb
  const found = kept.find(url.origin)
  if (found === undefined) return
  if (found.exp > now()) {
    climb.signer = authorized(settings, found.token)
    return
  }
  if (found.refreshToken === undefined) return
  const { authServer, scope } = found
  const desk = { settings, documents, authServer }
  const answer = await askDesk(desk, { request_type: 'refresh', refresh_token: found.refreshToken })
  if (answer.body['error'] === 'invalid_grant') return kept.forget(url.origin)
  const granted = await checkTokenAnswer(answer, desk, { scope, resource: url.origin })
  if (granted.claims['sub'] !== found.sub) throw new GaveUp('the refreshed token is of another user')
  kept.keep(url.origin, { ...granted, refreshToken: found.refreshToken }, found)
  climb.signer = authorized(settings, granted.token)
}
