import { anyPort, sendCall, signUnder } from './call.js'
import { challenge } from './direct.js'
import { type Answer, outcomeOf } from './send.js'
import { asDelegate, hashOf, post, senderOf } from './signed.js'
import { delegateOf, keepGrant, must, nextTag, Stopped } from './step.js'
import { decide } from './visit.js'
import type { Client, HeldGrant } from './world.js'

/** What is asked of a user in a browser. */
export interface Asking {
  readonly tag: string
  readonly flow: string
  readonly way: 'consent' | 'approval'
  readonly resourceToken: string
  readonly scope: string
  readonly user: string
  readonly decision: 'allow' | 'deny'
}

/** One of the users of a client. */
export function anyUser(client: Client): string {
  return client.random.one(client.users)
}

/** Asks a user in a browser, and redeems the code at all instances at once; undefined where the user said no. */
export async function askInBrowser(client: Client, o: Asking): Promise<HeldGrant | undefined> {
  const { addresses } = client.world
  const by = senderOf(client, o.flow)
  const as = asDelegate(delegateOf(client))
  const redirect_uri = addresses.callback
  const form = { request_type: 'auth', resource_token: o.resourceToken, redirect_uri, state: o.tag, purpose: o.tag }
  const asked = must(
    await post(client.world, { issuer: addresses.auth, form, as, port: anyPort(client, 'auth') }, by),
    'auth',
  )
  const request_token = String(asked.body['request_token'])
  const query = new URLSearchParams({ request_token, redirect_uri, state: o.tag })
  const link = `${addresses.auth}/agent/authorize?${query}`
  const visit = await decide(client, { ...o, link })
  const code = visit.back?.get('code') ?? (o.decision === 'deny' ? 'none' : undefined)
  if (code === undefined) throw new Stopped(`the user came back without a code: ${visit.why ?? visit.back}`)
  const redemption = { request_type: 'code', code, request_token, redirect_uri }
  const answers = await Promise.all(
    addresses.instances.auth.map(async port => {
      const answer = await post(client.world, { issuer: addresses.auth, form: redemption, as, port }, by)
      return noteRedemption(client, o.tag, answer)
    }),
  )
  if (o.decision === 'deny') {
    for (const answer of answers) if (answer.status === 200) keepGrant(client, answer, o)
    if (visit.outcome !== 'ok') throw new Stopped(`the no was not heard: ${visit.why}`)
    return undefined
  }
  const first = answers.find(({ status }) => status === 200)
  if (first === undefined)
    throw new Stopped(`code: ${answers.map(({ failure, status }) => failure ?? status).join(' and ')}`)
  return keepGrant(client, first, o)
}

function noteRedemption(client: Client, tag: string, answer: Answer): Answer {
  const refresh = answer.body['refresh_token']
  client.world.history.add({
    type: 'redeemed',
    tag,
    outcome: outcomeOf(answer),
    begin: answer.begin,
    end: answer.end,
    ...(refresh === undefined ? {} : { refresh: hashOf(String(refresh)) }),
  })
  return answer
}

/** A grant for which a user is asked: `/notes` is allowed, `/diary` is denied. */
export async function consent(client: Client): Promise<void> {
  const flow = 'consent'
  const isAllowed = client.random.chance(0.7)
  const route = isAllowed ? '/notes' : '/diary'
  const scope = isAllowed ? 'notes.write' : 'diary.read'
  const resourceToken = await challenge(client, route, flow)
  const tag = nextTag(client, 'consent')
  const decision = isAllowed ? 'allow' : 'deny'
  const grant = await askInBrowser(client, {
    tag,
    flow,
    way: 'consent',
    resourceToken,
    scope,
    user: anyUser(client),
    decision,
  })
  if (grant === undefined) return
  const call = await signUnder(client, grant, { route, method: 'POST', flow, body: '{}' })
  must(await sendCall(client, call, { flow, grant }), 'call')
}

/** A device that shows a code, which its user types in. */
export async function device(client: Client): Promise<void> {
  const flow = 'device'
  const { addresses } = client.world
  const by = senderOf(client, flow)
  const resource_token = await challenge(client, '/notes', flow)
  const tag = nextTag(client, 'device')
  const as = asDelegate(delegateOf(client))
  const form = { request_type: 'device_auth', resource_token, purpose: tag }
  const asked = must(await post(client.world, { issuer: addresses.auth, form, as }, by), 'device_auth')
  const code = { verification_uri: String(asked.body['verification_uri']), user_code: String(asked.body['user_code']) }
  const decision = client.random.chance(0.7) ? 'allow' : 'deny'
  const user = anyUser(client)
  const visit = await decide(client, { tag, flow, user, decision, code })
  const poll = { request_type: 'device_code', device_code: String(asked.body['device_code']) }
  const answers = await Promise.all(
    addresses.instances.auth.map(async port =>
      noteRedemption(client, tag, await post(client.world, { issuer: addresses.auth, form: poll, as, port }, by)),
    ),
  )
  const first = answers.find(({ status }) => status === 200)
  if (first !== undefined) keepGrant(client, first, { tag, way: 'device', scope: 'notes.write', user })
  if (visit.outcome !== 'ok') throw new Stopped(`the user could not decide: ${visit.why}`)
  const isAnswered =
    decision === 'deny' ? answers.some(({ status }) => status === 403 || status === 400) : first !== undefined
  if (!isAnswered)
    throw new Stopped(`device_code: ${answers.map(({ failure, status }) => failure ?? status).join(' and ')}`)
}
