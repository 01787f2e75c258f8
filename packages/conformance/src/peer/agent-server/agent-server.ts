import { makeKey } from '../../signing/key.js'
import { headerValue } from '../../wire/message.js'
import { readSignedBody } from '../shared/body.js'
import { type Caller, type Credential, identifyCaller, readCredential } from '../shared/caller.js'
import { type Documents, openDocuments } from '../shared/documents.js'
import { checkEndpoint } from '../shared/form.js'
import { isIdentifier } from '../shared/identifier.js'
import { isObject, isTexts, type JsonObject, parseJson, utf8 } from '../shared/json.js'
import { badRequest, jsonAnswer, type PeerAnswer, Refusal, refusing } from '../shared/refusal.js'
import { openReplaySet } from '../shared/replay.js'
import type { PeerRequest } from '../shared/request.js'
import { type Handler, notFound, publishedJson } from '../shared/server.js'
import { readSignature } from '../shared/signature.js'
import { type Audience, type Delegates, openDelegates, tokenLife } from './delegates.js'
import { type Enrol, openEnrolment } from './enrolment.js'
import { checkProof } from './proof.js'
import type { Settings } from './settings.js'

/** What its endpoint works with. */
interface Endpoint {
  readonly id: string
  /** Its URL. */
  readonly url: string
  readonly now: () => number
  readonly documents: Documents
  readonly delegates: Delegates
  readonly enrol: Enrol
}

const day = 86_400
const tooLow = refusing(401, 'insufficient_level')
const foreignToken = refusing(401, 'invalid_agent_token')

/** An agent server: its documents, and the endpoint that gives delegates their tokens. @see protocol §5 */
export function agentServer(settings: Settings): Handler {
  const id = `http://localhost:${settings.port}`
  const url = `${id}/delegate-token`
  const now = (): number => Math.floor(Date.now() / 1000)
  const key = makeKey()
  const delegates = openDelegates({ id, kid: 'k1', key }, now)
  const endpoint: Endpoint = {
    id,
    url,
    now,
    documents: openDocuments(now),
    delegates,
    enrol: openEnrolment({ settings, id, url, now, delegates }),
  }
  const replays = openReplaySet(now, new URL(id).host)
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/aauth-agent': {
      issuer: id,
      agent: id,
      jwks_uri: `${id}/jwks.json`,
      delegate_token_endpoint: url,
    },
    '/jwks.json': { keys: [{ ...key.jwk, kid: 'k1', use: 'sig' }] },
  }
  return async request => {
    const document = documents[request.path]
    if (document !== undefined && request.method === 'GET') return publishedJson(document)
    if (request.path !== new URL(url).pathname) return notFound
    return answerTo(endpoint, request, replays).catch(error => Promise.reject(challenging(error)))
  }
}

/** Every 401 says what to show, but that of a replay. @see protocol §4 */
function challenging(error: unknown): unknown {
  const isFinal = !(error instanceof Refusal) || error.status !== 401 || error.error === 'replay_detected'
  if (isFinal || error.details.headers?.['agent-auth'] !== undefined) return error
  return error.with({ headers: { 'agent-auth': 'httpsig' } })
}

async function answerTo(
  endpoint: Endpoint,
  request: PeerRequest,
  replays: ReturnType<typeof openReplaySet>,
): Promise<PeerAnswer> {
  const { id, now } = endpoint
  checkEndpoint(request, 'application/json')
  const signature = readSignature(request, { authority: new URL(id).host, scheme: 'http', now })
  if (signature === undefined) throw refusing(401, 'invalid_signature')('signature_missing', 'the request is unsigned')
  const credential = readCredential(signature)
  checkCredential(endpoint, credential)
  const check = { documents: endpoint.documents, now, self: id, authServers: [], grace: 30 * day }
  const caller = await identifyCaller(signature, credential, check)
  const body = bodyOf(await readSignedBody(request, signature, { limit: 64 * 1024, now }))
  replays.remember(signature, caller.key)
  const token = await tokenFor(endpoint, { request, caller, body })
  return jsonAnswer({ agent_token: token, expires_in: tokenLife })
}

/** A new key enrols, and a delegate of this server renews. */
function checkCredential({ id }: Endpoint, credential: Credential): void {
  if (credential.kind === 'hwk') return
  if (credential.kind !== 'agent+jwt')
    throw tooLow('level_too_low', 'delegates sign under their agent token').with({
      headers: { 'agent-auth': 'httpsig; identity=?1' },
    })
  if (credential.jws.claims['iss'] !== id) throw foreignToken('token_issuer_wrong', '`iss` is another agent server')
}

/** The JSON object of a body; an empty one for none. */
function bodyOf(bytes: Buffer): JsonObject {
  if (bytes.length === 0) return {}
  let body: unknown
  try {
    body = parseJson(utf8(bytes))
  } catch {
    throw badRequest('body_malformed', 'the body is no JSON')
  }
  if (!isObject(body)) throw badRequest('body_malformed', 'the body is no object')
  return body
}

async function tokenFor(
  { url, now, delegates, enrol }: Endpoint,
  o: { readonly request: PeerRequest; readonly caller: Caller; readonly body: JsonObject },
): Promise<string> {
  const { request, caller, body } = o
  const named = audienceIn(body)
  if (caller.delegate === undefined) {
    if (!('enrollment' in body))
      throw tooLow('level_too_low', 'only an enrolment is signed by an inline key').with({
        headers: { 'agent-auth': 'httpsig; identity=?1' },
      })
    const sub = await enrol(body['enrollment'], { key: caller.key, header: name => headerValue(request, name) })
    return delegates.issue({ sub, key: caller.key, audience: delegates.receivers(sub, named) })
  }
  const sub = caller.delegate
  const audience = delegates.receivers(sub, named)
  if ('enrollment' in body) throw badRequest('enrollment_of_delegate', 'a delegate has enrolled already')
  if (body['jwk'] === undefined && body['proof'] === undefined) {
    delegates.checkCurrent(sub, caller.key)
    return delegates.issue({ sub, key: caller.key, audience })
  }
  const next = checkProof(body, { url, sub, old: caller.key, now })
  delegates.rotate(sub, caller.key, next)
  return delegates.issue({ sub, key: next, audience })
}

/** The receivers that a token is for: an identifier, or an array of them. */
function audienceIn({ aud }: JsonObject): Audience {
  if (aud === undefined || isIdentifier(aud)) return aud
  if (isTexts(aud) && aud.length > 0 && aud.every(isIdentifier)) return aud
  throw badRequest('audience_malformed', '`aud` is no identifier and no array of them')
}
