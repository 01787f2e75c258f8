import { scriptedUser } from '@countersign/playground'
import type { Outcome, RevocationRecord } from '../history.js'
import { anyPort } from './call.js'
import { refreshGrant, useGrant } from './refresh.js'
import { outcomeOf } from './send.js'
import { asDelegate, post, senderOf } from './signed.js'
import { Stopped } from './step.js'
import { watchedFetch } from './visit.js'
import type { Client, HeldGrant } from './world.js'

/** Ends a grant: its agent gives it back, its user takes everything back, or an operator revokes it. */
export async function revoke(client: Client): Promise<void> {
  const alive = client.held.filter(({ ended }) => !ended)
  if (alive.length < 3) return
  const held = client.random.one(alive)
  const by =
    held.user !== undefined && client.random.chance(0.5) ? 'user' : client.random.chance(0.05) ? 'operator' : 'agent'
  // A user takes back from all delegates, those before this one too.
  const all = [...alive, ...client.former.filter(({ ended }) => !ended)]
  const ending = by === 'user' ? all.filter(({ user }) => user === held.user) : [held]
  // Before anything is sent: what is not answered may have happened.
  for (const each of ending) each.ended = true
  const begin = Date.now()
  const outcome = await endOf(client, held, by)
  client.world.history.add({
    type: 'revocation',
    by,
    outcome,
    begin,
    end: Date.now(),
    refreshes: ending.map(({ refreshHash }) => refreshHash),
    grants: ending.map(({ grant }) => grant),
  })
  client.held = client.held.filter(({ ended }) => !ended)
  client.ended.push(...ending)
  if (client.ended.length > 200) client.ended.splice(0, client.ended.length - 200)
  if (outcome !== 'ok') throw new Stopped(`end by ${by}: ${outcome}`)
  await refreshGrant(client, held, { flow: 'ended', port: client.random.one(client.world.addresses.instances.auth) })
}

function endOf(client: Client, held: HeldGrant, by: RevocationRecord['by']): Promise<Outcome> {
  if (by === 'agent') return giveBack(client, held)
  if (by === 'user') return takeBack(client, held.user ?? '')
  return client.world.revokeAsOperator(held.grant).then(
    () => 'ok',
    () => 'unknown',
  )
}

async function giveBack(client: Client, { refresh, delegate }: HeldGrant): Promise<Outcome> {
  const { world } = client
  const as = asDelegate(delegate)
  const request = { issuer: world.addresses.auth, path: '/agent/revoke', form: { token: refresh }, as }
  return outcomeOf(await post(world, { ...request, port: anyPort(client, 'auth') }, senderOf(client, 'revoke')))
}

async function takeBack(client: Client, user: string): Promise<Outcome> {
  const { fetch } = watchedFetch(client, 'revoke')
  try {
    const { done } = await scriptedUser(user, fetch).account(
      client.world.addresses.auth,
      'Take everything back from all agents',
    )
    return done === '' ? 'unknown' : 'ok'
  } catch {
    return 'unknown'
  }
}

/** Uses what was ended: a refresh, or a call under the last token. */
export async function useEnded(client: Client): Promise<void> {
  if (client.ended.length === 0) return
  const held = client.random.one(client.ended)
  if (client.random.chance(0.3)) {
    await refreshGrant(client, held, { flow: 'ended', port: anyPort(client, 'auth') })
    return
  }
  await useGrant(client, held)
}
