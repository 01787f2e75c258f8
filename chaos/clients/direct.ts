import { anyPort, callApi, sendCall, signUnder } from './call.js'
import { asDelegate, challengeOf, post, senderOf } from './signed.js'
import { delegateOf, keepGrant, must, nextTag, Stopped } from './step.js'
import type { Client, HeldGrant } from './world.js'

/** Calls a route without an auth token; the resource token of the challenge. */
export async function challenge(client: Client, route: string, flow: string): Promise<string> {
  const as = asDelegate(delegateOf(client))
  const answer = await callApi(client, { route, method: 'GET', flow, as, port: anyPort(client, 'gateway') })
  const token = challengeOf(answer)
  if (token === undefined) throw new Stopped(`challenge: ${answer.failure ?? answer.status}`)
  return token
}

/** Gets a grant that the policy gives without a user. */
export async function directGrant(
  client: Client,
  o: { route: string; scope: string; flow: string },
): Promise<HeldGrant> {
  const { world } = client
  const resource_token = await challenge(client, o.route, o.flow)
  const tag = nextTag(client, 'direct')
  const form = { request_type: 'auth', resource_token, purpose: tag }
  const as = asDelegate(delegateOf(client))
  const port = anyPort(client, 'auth')
  const answer = await post(world, { issuer: world.addresses.auth, form, as, port }, senderOf(client, o.flow))
  return keepGrant(client, must(answer, 'auth'), { tag, way: 'direct', scope: o.scope })
}

/** A direct grant, one call under it that is sent to both instances at once, and its capture. */
export async function direct(client: Client): Promise<void> {
  const flow = 'direct'
  const grant = await directGrant(client, { route: '/events', scope: 'events.read', flow })
  const call = await signUnder(client, grant, { route: '/events', method: 'POST', flow, body: '{}' })
  const ports = client.world.addresses.instances.gateway
  const answers = await Promise.all(ports.map(port => sendCall(client, call, { flow, port, grant })))
  client.captured.push(call)
  if (client.captured.length > 20) client.captured.shift()
  if (!answers.some(({ status }) => status === 200))
    throw new Stopped(answers.map(({ status, failure }) => failure ?? status).join(' and '))
}

/** Sends a request again that was let pass, as a thief of traffic does. */
export async function replay(client: Client): Promise<void> {
  const { captured, random } = client
  if (captured.length === 0) return
  await sendCall(client, random.one(captured), { flow: 'replay', port: anyPort(client, 'gateway') })
}

/** Calls a counted route more often than its condition allows, at all instances at once. */
export async function counted(client: Client): Promise<void> {
  const flow = 'counted'
  const fresh = client.held.find(
    ({ scope, ended, issued, delegate }) =>
      scope === 'metered.use' && !ended && delegate === client.delegate && Date.now() - issued < 300_000,
  )
  const grant = fresh ?? (await directGrant(client, { route: '/metered', scope: 'metered.use', flow }))
  const answers = await Promise.all(
    Array.from({ length: 7 }, async () => {
      const call = await signUnder(client, grant, { route: '/metered', method: 'GET', flow })
      return sendCall(client, call, { flow, port: anyPort(client, 'gateway'), grant })
    }),
  )
  // Its token is older than what a resource knows: the next time it asks for another, as agents do.
  if (answers.some(({ status }) => status === 401)) grant.issued = 0
  // 429 is an answer of the count as well.
  if (answers.some(({ status }) => status !== 200 && status !== 429))
    throw new Stopped(answers.map(({ status, failure }) => failure ?? status).join(' '))
}

/** Calls a route with a limit of the resource. */
export async function limited(client: Client): Promise<void> {
  const flow = 'limited'
  const as = asDelegate(delegateOf(client))
  const answers = await Promise.all(
    Array.from({ length: 4 }, () =>
      callApi(client, { route: '/limited', method: 'GET', flow, as, port: anyPort(client, 'gateway') }),
    ),
  )
  if (answers.some(({ status }) => status !== 200 && status !== 429))
    throw new Stopped(answers.map(({ status, failure }) => failure ?? status).join(' '))
}
