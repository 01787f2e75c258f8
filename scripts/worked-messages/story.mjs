// The messages, one after the other, each with what it needs of those before.
import { thumbprint } from '@countersign/httpsig'
import { signKeyProof } from '@countersign/protocol'
import { exchanged, resourceTokenOf, start, visit } from './exchange.mjs'
import { publicHalf, signingKeys, testKeys } from './keys.mjs'
import {
  agentId,
  authId,
  boardId,
  calendarId,
  callback,
  doorsId,
  openParticipants,
  roomsAuthId,
  roomsId,
  shopId,
} from './participants.mjs'
import { approvalOfOneCall, delegationPolicy } from './policy-story.mjs'
import { refusedRequests } from './refused-requests.mjs'
import { typeCode } from './user-browser.mjs'

const warning = 'Published test keys: never use one for anything else, anyone can sign with them.'

/**
 * Makes all messages: `{ warning, time, keys, documents, tokens, messages, refused }`.
 * @param {(name: string) => void} beginRandom begins the random sequence of a message
 */
export async function workedMessages(beginRandom) {
  // Opened long before: a replay set refuses unsafe requests from before its start.
  const clock = { now: start - 1000 }
  const keys = await signingKeys()
  beginRandom('participants')
  const participants = await openParticipants(keys, () => clock.now)
  const stage = { clock, keys, participants, beginRandom, messages: [] }
  await tell(stage)
  const documents = await documentsOf(participants.fetcher)
  await participants.close()
  const tokens = tokensIn(stage.messages)
  const { messages, refused } = stage
  return { warning, time: start, keys: testKeys, documents, tokens, messages, refused }
}

async function tell(stage) {
  const { enrolled, phone } = await enrolment(stage)
  const challenge = await climb(stage, phone)
  const { auth_token } = await authorization(stage, { phone, challenge })
  const next = await hop(stage, { from: calendarId, key: 'calendar', to: `${roomsId}/rooms`, at: 33, auth_token })
  await hop(stage, { from: roomsId, key: 'rooms', to: `${doorsId}/doors`, at: 36, auth_token: next })
  const renewed = await renewal(stage, enrolled.agent_token)
  const refresh_token = await userConsent(stage, renewed)
  await grantLife(stage, { phone: renewed, refresh_token })
  const { key, auth_token: jwt } = await deviceFlow(stage, await rotation(stage, renewed))
  await userInteraction(stage, { key, signatureKey: { scheme: 'jwt', jwt } })
  await approvalOfOneCall(stage, await delegationPolicy(stage))
}

async function enrolment(stage) {
  stage.beginRandom('invitation')
  const { code } = await stage.participants.agentServer.invite({ sub: 'phone' })
  const enrolled = await exchanged(stage, {
    name: 'enrolment',
    at: 0,
    section: '5',
    key: 'phone',
    method: 'POST',
    signatureKey: { scheme: 'hwk', jwk: publicHalf(testKeys.phone) },
    url: `${agentId}/delegate/token`,
    json: { enrollment: { type: 'code', code } },
  })
  return { enrolled, phone: { scheme: 'jwt', jwt: enrolled.agent_token } }
}

/** From a pseudonym to the challenge for an auth token. */
async function climb(stage, phone) {
  await exchanged(stage, {
    name: 'pseudonymous',
    at: 10,
    section: '3',
    key: 'pseudonym',
    url: `${calendarId}/holidays?year=2027`,
    signatureKey: { scheme: 'hwk', jwk: publicHalf(testKeys.pseudonym) },
  })
  await exchanged(stage, {
    name: 'identified',
    at: 20,
    section: '3',
    key: 'phone',
    url: `${calendarId}/agenda`,
    signatureKey: phone,
  })
  await exchanged(stage, {
    name: 'challenge',
    at: 30,
    section: '4',
    key: 'phone',
    url: `${calendarId}/events`,
    signatureKey: phone,
  })
  return resourceTokenOf(stage)
}

async function authorization(stage, { phone, challenge }) {
  const granted = await exchanged(stage, {
    name: 'auth',
    at: 31,
    section: '6.2',
    key: 'phone',
    method: 'POST',
    signatureKey: phone,
    url: `${authId}/agent/token`,
    form: { request_type: 'auth', resource_token: challenge },
  })
  await exchanged(stage, {
    name: 'authorized',
    at: 32,
    section: '3',
    key: 'phone',
    url: `${calendarId}/events`,
    signatureKey: { scheme: 'jwt', jwt: granted.auth_token },
  })
  return granted
}

/** A resource calls another one for the request that it was called with. Returns the auth token that it was given for that. */
async function hop(stage, { from, key, to, at, auth_token }) {
  const itself = { key, signatureKey: { scheme: 'jwks_uri', id: from, kid: `${key}-1`, dwk: 'aauth-agent' } }
  await exchanged(stage, { name: `${key}-challenge`, section: '7', at, ...itself, url: to })
  const next = await exchanged(stage, {
    name: `${key}-exchange`,
    section: '7',
    at: at + 1,
    ...itself,
    method: 'POST',
    url: `${roomsAuthId}/agent/token`,
    form: { request_type: 'exchange', resource_token: resourceTokenOf(stage), upstream_token: auth_token },
  })
  const holder = { key, signatureKey: { scheme: 'jwt', jwt: next.auth_token } }
  await exchanged(stage, { name: `${key}-authorized`, section: '7', at: at + 2, ...holder, url: to })
  return next.auth_token
}

/** Three quarters of the token's life later. */
async function renewal(stage, agentToken) {
  const renewed = await exchanged(stage, {
    name: 'renewal',
    at: 2700,
    section: '5',
    key: 'phone',
    method: 'POST',
    url: `${agentId}/delegate/token`,
    signatureKey: { scheme: 'jwt', jwt: agentToken },
  })
  return { scheme: 'jwt', jwt: renewed.agent_token }
}

/** More than the policy grants by itself: a user is asked. Returns the refresh token. */
async function userConsent(stage, phone) {
  const url = `${calendarId}/events/new`
  const event = { key: 'phone', method: 'POST', url, json: { title: 'Chess', at: '2027-01-16T20:00:00Z' } }
  await exchanged(stage, { name: 'consent-challenge', at: 2710, section: '4', ...event, signatureKey: phone })
  const asked = { key: 'phone', method: 'POST', url: `${authId}/agent/token`, signatureKey: phone, section: '6.2' }
  const { request_token } = await exchanged(stage, {
    name: 'consent-auth',
    at: 2711,
    ...asked,
    form: {
      request_type: 'auth',
      resource_token: resourceTokenOf(stage),
      redirect_uri: callback,
      state: 'af0ifjsldkj',
    },
  })
  const query = { request_token, redirect_uri: callback, state: 'af0ifjsldkj' }
  const returned = await visit(stage, { at: 2720, url: `${authId}/agent/authorize`, query })
  const { auth_token, refresh_token } = await exchanged(stage, {
    name: 'code',
    at: 2725,
    ...asked,
    form: { request_type: 'code', code: returned.get('code'), redirect_uri: callback, request_token },
  })
  const holder = { scheme: 'jwt', jwt: auth_token }
  await exchanged(stage, { name: 'consent-authorized', at: 2726, section: '3', ...event, signatureKey: holder })
  stage.refused = await refusedRequests(stage, { ...event, signatureKey: holder })
  return refresh_token
}

/** A grant is used, ended, and used once more in vain. */
async function grantLife(stage, { phone, refresh_token }) {
  const asked = { key: 'phone', method: 'POST', signatureKey: phone, section: '6.2' }
  const refresh = { ...asked, url: `${authId}/agent/token`, form: { request_type: 'refresh', refresh_token } }
  await exchanged(stage, { name: 'refresh', at: 3200, ...refresh })
  await exchanged(stage, {
    name: 'revocation',
    at: 3201,
    ...asked,
    url: `${authId}/agent/revoke`,
    form: { token: refresh_token },
  })
  await exchanged(stage, { name: 'refresh-revoked', at: 3202, ...refresh })
}

/** A new key takes the place of the old one, which signs the request. Returns how the delegate signs from now on. */
async function rotation(stage, phone) {
  const at = 3300
  const url = `${agentId}/delegate/token`
  const proof = await signKeyProof(
    {
      aud: url,
      sub: 'phone',
      jkt: await thumbprint(publicHalf(testKeys.phone)),
      iat: start + at,
      jti: '0d4b6a1e-8f0a-4a53-9a0e-6d0f3a1c2b7e',
    },
    stage.keys.phoneNext,
  )
  const { agent_token } = await exchanged(stage, {
    name: 'rotation',
    at,
    section: '5',
    key: 'phone',
    method: 'POST',
    url,
    signatureKey: phone,
    json: { jwk: publicHalf(testKeys.phoneNext), proof },
  })
  return { key: 'phoneNext', signatureKey: { scheme: 'jwt', jwt: agent_token } }
}

/** The delegate asks the resource for a resource token, shows a code to its user, and waits. Returns its auth token and key. */
async function deviceFlow(stage, phone) {
  const { resource_token } = await exchanged(stage, {
    name: 'resource-token',
    at: 3400,
    section: '6.1',
    ...phone,
    method: 'POST',
    url: `${calendarId}/aauth/resource-token`,
    form: { scope: 'events.write' },
  })
  const asked = { ...phone, section: '6.2', method: 'POST', url: `${authId}/agent/token` }
  const { device_code, user_code, verification_uri } = await exchanged(stage, {
    name: 'device-auth',
    at: 3401,
    ...asked,
    form: { request_type: 'device_auth', resource_token },
  })
  const poll = { ...asked, form: { request_type: 'device_code', device_code } }
  await exchanged(stage, { name: 'device-pending', at: 3406, ...poll })
  stage.clock.now = start + 3410
  stage.beginRandom('device visit')
  await typeCode(stage.participants.answer, verification_uri, user_code)
  const { auth_token } = await exchanged(stage, { name: 'device-code', at: 3412, ...poll })
  await exchanged(stage, {
    name: 'device-authorized',
    at: 3413,
    section: '3',
    key: phone.key,
    method: 'POST',
    signatureKey: { scheme: 'jwt', jwt: auth_token },
    url: `${calendarId}/events/new`,
    json: { title: 'Go', at: '2027-01-17T20:00:00Z' },
  })
  return { key: phone.key, auth_token }
}

/** To answer, the calendar calls the board, whose auth server asks the user. The calendar sends its caller's user there. */
async function userInteraction(stage, holder) {
  const state = 'k5xQe1wTz0'
  const call = { ...holder, section: '7', method: 'POST', url: `${calendarId}/events/announce` }
  await exchanged(stage, { name: 'interaction-challenge', at: 3420, ...call, json: { title: 'Go' } })
  const { response } = stage.messages.at(-1)
  const [, challenge = ''] = response.headers.find(([name]) => name === 'agent-auth') ?? []
  const [, page] = /user_interaction="([^"]+)"/.exec(challenge) ?? []
  const returned = await visit(stage, { at: 3425, url: page, query: { return_url: callback, state } })
  const interaction = returned.get('interaction')
  await exchanged(stage, { name: 'interaction-answered', at: 3435, ...call, json: { title: 'Go' }, interaction })
}

const published = [
  [agentId, ['aauth-agent', 'jwks.json']],
  [calendarId, ['aauth-resource', 'aauth-agent', 'jwks.json']],
  [authId, ['aauth-issuer', 'jwks.json']],
  [roomsId, ['aauth-resource', 'aauth-agent', 'jwks.json']],
  [doorsId, ['aauth-resource', 'jwks.json']],
  [boardId, ['aauth-resource', 'jwks.json']],
  [shopId, ['aauth-resource', 'jwks.json']],
  [roomsAuthId, ['aauth-issuer', 'jwks.json']],
]

/** What the participants publish, by URL. */
async function documentsOf(fetcher) {
  const documents = {}
  for (const url of published.flatMap(([id, names]) => names.map(name => `${id}/.well-known/${name}`))) {
    const { status, body } = await fetcher(url)
    if (status !== 200) throw new Error(`${url}: ${status}`)
    documents[url] = JSON.parse(new TextDecoder().decode(body))
  }
  return documents
}

/** Every token that stands in a message, once, with the message in which it came first. */
function tokensIn(messages) {
  const found = new Map()
  for (const { name, request, response } of messages)
    for (const [jwt] of JSON.stringify([request, response]).matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g))
      if (!found.has(jwt)) found.set(jwt, { first: name, jwt, ...decoded(jwt) })
  return [...found.values()]
}

function decoded(jwt) {
  const [header, claims] = jwt.split('.').map(part => Buffer.from(part, 'base64url'))
  return { header: JSON.parse(header), claims: JSON.parse(claims) }
}
