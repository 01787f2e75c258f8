// The messages, one after the other, each with what it needs of those before.
import { createHash } from 'node:crypto'
import { openSignature, signRequest } from '@countersign/httpsig'
import { publicHalf, signingKeys, testKeys } from './keys.mjs'
import { agentId, authId, calendarId, doorsId, openParticipants, roomsAuthId, roomsId } from './participants.mjs'

/** Unix seconds of the first message: 2027-01-15T08:00:00Z. */
const start = 1_800_000_000

const warning = 'Published test keys: never use one for anything else, anyone can sign with them.'

/**
 * Makes all messages: `{ time, keys, documents, tokens, messages }`.
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
  return { warning, time: start, keys: testKeys, documents, tokens, messages: stage.messages }
}

async function tell(stage) {
  const { enrolled, phone } = await enrolment(stage)
  const challenge = await climb(stage, phone)
  const { auth_token } = await authorization(stage, { phone, challenge })
  const next = await hop(stage, { from: calendarId, key: 'calendar', to: `${roomsId}/rooms`, at: 33, auth_token })
  await hop(stage, { from: roomsId, key: 'rooms', to: `${doorsId}/doors`, at: 36, auth_token: next })
  await renewal(stage, enrolled.agent_token)
}

async function enrolment(stage) {
  stage.beginRandom('invitation')
  const { code } = await stage.participants.agentServer.invite({ sub: 'phone' })
  const enrolled = await exchanged(stage, {
    ...{ name: 'enrolment', at: 0, section: '5', key: 'phone', method: 'POST' },
    signatureKey: { scheme: 'hwk', jwk: publicHalf(testKeys.phone) },
    url: `${agentId}/delegate/token`,
    json: { enrollment: { type: 'code', code } },
  })
  return { enrolled, phone: { scheme: 'jwt', jwt: enrolled.agent_token } }
}

/** From a pseudonym to the challenge for an auth token. */
async function climb(stage, phone) {
  await exchanged(stage, {
    ...{ name: 'pseudonymous', at: 10, section: '3', key: 'pseudonym', url: `${calendarId}/holidays?year=2027` },
    signatureKey: { scheme: 'hwk', jwk: publicHalf(testKeys.pseudonym) },
  })
  await exchanged(stage, {
    ...{ name: 'identified', at: 20, section: '3', key: 'phone', url: `${calendarId}/agenda`, signatureKey: phone },
  })
  await exchanged(stage, {
    ...{ name: 'challenge', at: 30, section: '4', key: 'phone', url: `${calendarId}/events`, signatureKey: phone },
  })
  return resourceTokenOf(stage)
}

async function authorization(stage, { phone, challenge }) {
  const granted = await exchanged(stage, {
    ...{ name: 'auth', at: 31, section: '6.2', key: 'phone', method: 'POST', signatureKey: phone },
    url: `${authId}/agent/token`,
    form: { request_type: 'auth', resource_token: challenge },
  })
  await exchanged(stage, {
    ...{ name: 'authorized', at: 32, section: '3', key: 'phone', url: `${calendarId}/events` },
    signatureKey: { scheme: 'jwt', jwt: granted.auth_token },
  })
  return granted
}

/** A resource calls another one for the request that it was called with. Returns the auth token that it was given for that. */
async function hop(stage, { from, key, to, at, auth_token }) {
  const itself = { key, signatureKey: { scheme: 'jwks_uri', id: from, kid: `${key}-1`, dwk: 'aauth-agent' } }
  await exchanged(stage, { name: `${key}-challenge`, section: '7', at, ...itself, url: to })
  const next = await exchanged(stage, {
    ...{ name: `${key}-exchange`, section: '7', at: at + 1, ...itself, method: 'POST' },
    url: `${roomsAuthId}/agent/token`,
    form: { request_type: 'exchange', resource_token: resourceTokenOf(stage), upstream_token: auth_token },
  })
  const holder = { key, signatureKey: { scheme: 'jwt', jwt: next.auth_token } }
  await exchanged(stage, { name: `${key}-authorized`, section: '7', at: at + 2, ...holder, url: to })
  return next.auth_token
}

/** Three quarters of the token's life later. */
async function renewal(stage, agentToken) {
  await exchanged(stage, {
    ...{ name: 'renewal', at: 2700, section: '5', key: 'phone', method: 'POST', url: `${agentId}/delegate/token` },
    signatureKey: { scheme: 'jwt', jwt: agentToken },
  })
}

/** The resource token of the challenge that came last. */
function resourceTokenOf({ messages }) {
  const [, challenge = ''] = messages.at(-1).response.headers.find(([name]) => name === 'agent-auth') ?? []
  const [, token] = /resource_token="([^"]+)"/.exec(challenge) ?? []
  if (token === undefined) throw new Error(`${messages.at(-1).name}: no resource token`)
  return token
}

/** Signs a request, has it answered by the real server, and notes both. Returns the answer's JSON. */
async function exchanged(stage, { name, at, section, key, ...asked }) {
  stage.clock.now = start + at
  stage.beginRandom(name)
  const signed = await signedRequest(stage, { name, key, ...asked })
  const { request, signature } = signed
  const response = await stage.participants.answer(new URL(request.url).origin, signed.received)
  const text = await response.text()
  stage.messages.push({
    ...{ name, section, time: stage.clock.now, request, signature },
    response: { status: response.status, headers: [...response.headers], ...(text === '' ? {} : { body: text }) },
  })
  return JSON.parse(text)
}

async function signedRequest({ keys, clock }, { name, key, signatureKey, method = 'GET', url, form, json }) {
  const { host, pathname, search } = new URL(url)
  const text = form === undefined ? json && JSON.stringify(json) : new URLSearchParams(form).toString()
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const typed = text === undefined ? [] : [['content-type', type]]
  const body = text === undefined ? undefined : new TextEncoder().encode(text)
  const added = await signRequest({
    ...{ method, url, key: keys[key], signatureKey, headers: typed, now: () => clock.now },
    nonce: createHash('sha256').update(`nonce of ${name}`).digest().subarray(0, 16).toString('base64url'),
    ...(body === undefined ? {} : { body }),
  })
  const length = body === undefined ? [] : [['content-length', String(body.length)]]
  const headers = [['host', host], ...typed, ...length, ...added]
  const target = pathname + search
  const received = { method, target, headers, ...(body === undefined ? {} : { body }) }
  const { base, label, signature } = openSignature(received, {
    authorities: [host],
    scheme: 'https',
    now: () => clock.now,
  })
  return {
    received,
    request: { method, url, target, headers, ...(text === undefined ? {} : { body: text }) },
    signature: {
      ...{ label, key, jwk: publicHalf(testKeys[key]), base },
      value: Buffer.from(signature).toString('base64'),
    },
  }
}

const published = [
  [agentId, ['aauth-agent', 'jwks.json']],
  [calendarId, ['aauth-resource', 'aauth-agent', 'jwks.json']],
  [authId, ['aauth-issuer', 'jwks.json']],
  [roomsId, ['aauth-resource', 'aauth-agent', 'jwks.json']],
  [doorsId, ['aauth-resource', 'jwks.json']],
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
