import { createHash } from 'node:crypto'
import { headerValue } from '../../wire/message.js'
import { deniedByPolicy, type PeerAnswer } from '../shared/refusal.js'
import { type Condition, judgeConditions, ownConditions } from './conditions.js'
import type { Called } from './errands.js'
import type { Site } from './site.js'

/** How often it is looked at what is open, in milliseconds. */
const pause = 100

/** A stream, or a socket where the request asks for one, which ends with what it was opened under. @see protocol §9.3 */
export function lasting(
  { request, caller, site }: Called,
  conditions: readonly Condition[],
): PeerAnswer & Pick<Required<PeerAnswer>, 'open'> {
  const { claims = {} } = caller
  const mayStay = (): boolean => {
    if (site.revocations.has(String(claims['iss']), String(claims['grant']))) return false
    try {
      judgeConditions(conditions, { now: site.now(), self: site.id, scopes: [], claims }, ['until', 'hours'])
      return true
    } catch {
      return false
    }
  }
  const open = (end: () => void): (() => void) => {
    const watch = setInterval(() => {
      if (!mayStay()) end()
    }, pause)
    return () => clearInterval(watch)
  }
  const key = headerValue(request, 'sec-websocket-key')
  if (key === undefined)
    return { status: 200, headers: { 'content-type': 'text/event-stream' }, body: 'data: begun\n\n', open }
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return { status: 101, headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-accept': accept }, open }
}

/** Single messages in a socket are not judged. */
export function checkSocket({ request }: Pick<Called, 'request'>, conditions: readonly Condition[], site: Site): void {
  if (headerValue(request, 'upgrade') === undefined) return
  const calls = conditions.filter(({ type }) => type === 'calls')
  const own = ['data', 'arguments', 'approval'].flatMap(type => ownConditions(conditions, type, site.id))
  if (calls.length + own.length > 0)
    throw deniedByPolicy('condition_upgrade', 'no socket is opened under a condition on single calls')
}
