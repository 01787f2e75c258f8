import { type Answer, reasonOf } from './send.js'
import { hashOf, tokenParts } from './signed.js'
import type { Client, Delegate, HeldGrant } from './world.js'

/** A step that a client cannot go on from. */
export class Stopped extends Error {}

/** The answer, where it is one that the flow can go on with. */
export function must(answer: Answer, what: string): Answer {
  if (answer.failure !== undefined) throw new Stopped(`${what}: ${answer.failure}`)
  if (answer.status >= 400) throw new Stopped(`${what}: ${answer.status} ${reasonOf(answer) ?? ''}`)
  return answer
}

/** The delegate of a client, which must have enrolled. */
export function delegateOf({ delegate }: Client): Delegate {
  if (delegate === undefined) throw new Stopped('not enrolled')
  return delegate
}

/** What a client remembers of a token answer. */
export interface ToKeep {
  readonly tag: string
  readonly way: 'direct' | 'consent' | 'device' | 'approval' | 'exchange'
  readonly scope: string
  /** The user who allowed it. */
  readonly user?: string
}

/** Writes down that a token was acknowledged, and keeps the grant where it can be refreshed. */
export function keepGrant(client: Client, { body, begin, end }: Answer, o: ToKeep): HeldGrant {
  const jwt = String(body['auth_token'])
  const { kid, claims } = tokenParts(jwt)
  const refresh = body['refresh_token'] === undefined ? undefined : String(body['refresh_token'])
  const refreshHash = refresh === undefined ? undefined : hashOf(refresh)
  const grant = String(claims['grant'])
  client.world.history.add({
    type: 'granted',
    tag: o.tag,
    way: o.way,
    issuer: String(claims['iss']),
    kid,
    grant,
    token: String(claims['jti']),
    begin,
    end,
    ...(refreshHash === undefined ? {} : { refresh: refreshHash }),
  })
  const held: HeldGrant = {
    tag: o.tag,
    delegate: delegateOf(client),
    grant,
    jwt,
    scope: o.scope,
    user: o.user,
    ended: false,
    refresh: refresh ?? '',
    refreshHash: refreshHash ?? '',
    issued: begin,
  }
  if (refresh !== undefined) client.held.push(held)
  return held
}

/** Names the next attempt of a client: a purpose that the auth server keeps with the grant. */
export function nextTag(client: Client, way: 'direct' | 'consent' | 'device' | 'approval'): string {
  client.attempts += 1
  const tag = `${way}-${client.name}-${client.attempts}`
  client.world.history.add({ type: 'attempt', at: Date.now(), client: client.name, tag, way })
  return tag
}
