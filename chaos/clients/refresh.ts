import { anyPort, sendCall, signUnder } from './call.js'
import { outcomeOf } from './send.js'
import { asDelegate, post, senderOf, tokenParts } from './signed.js'
import { must, Stopped } from './step.js'
import type { Client, HeldGrant } from './world.js'

/** Refreshes one grant and writes down what came of it. */
export async function refreshGrant(
  client: Client,
  held: HeldGrant,
  o: { readonly flow: string; readonly final?: boolean; readonly port?: number | undefined },
): Promise<'ok' | 'refused' | 'unavailable' | 'unknown'> {
  const { world } = client
  const form = { request_type: 'refresh', refresh_token: held.refresh }
  const as = asDelegate(held.delegate)
  const answer = await post(world, { issuer: world.addresses.auth, form, as, port: o.port }, senderOf(client, o.flow))
  const { begin, end } = answer
  const outcome = outcomeOf(answer)
  world.history.add({ type: 'refresh', refresh: held.refreshHash, outcome, final: o.final ?? false, begin, end })
  if (outcome === 'ok') {
    held.jwt = String(answer.body['auth_token'])
    held.issued = begin
    const { kid, claims } = tokenParts(held.jwt)
    const [issuer, grant, token] = ['iss', 'grant', 'jti'].map(name => String(claims[name])) as [string, string, string]
    world.history.add({ type: 'granted', tag: held.tag, way: 'refresh', issuer, kid, grant, token, begin, end })
  }
  return outcome
}

const routes: Readonly<Record<string, string>> = { 'events.read': '/events', 'notes.write': '/notes' }

/** Refreshes a grant that the client holds, and calls under the new token. */
export async function refresh(client: Client): Promise<void> {
  const flow = 'refresh'
  const alive = client.held.filter(({ ended, scope }) => !ended && routes[scope] !== undefined)
  if (alive.length === 0) return
  const held = client.random.one(alive)
  const outcome = await refreshGrant(client, held, { flow, port: anyPort(client, 'auth') })
  if (outcome !== 'ok') throw new Stopped(`refresh: ${outcome}`)
  const call = await signUnder(client, held, { route: routes[held.scope] ?? '', method: 'POST', flow, body: '{}' })
  must(await sendCall(client, call, { flow, grant: held }), 'call')
}

/** Calls under the last token of a grant, whether or not it has ended. */
export async function useGrant(client: Client, held: HeldGrant): Promise<void> {
  const route = { ...routes, 'metered.use': '/metered' }[held.scope]
  if (route === undefined) return
  const call = await signUnder(client, held, { route, method: 'POST', flow: 'ended', body: '{}' })
  await sendCall(client, call, { flow: 'ended', port: anyPort(client, 'gateway'), grant: held })
}
