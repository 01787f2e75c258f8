import { isObject } from '../shared/json.js'
import { refusing } from '../shared/refusal.js'
import type { Context } from './context.js'
import { badResourceToken, denied } from './refusals.js'
import type { Asked, Caller, OpenRequest, Operation, User } from './state.js'
import { isText } from './values.js'

/** What a user could not see, or would see in another place. @see protocol §9.4 */
const hidden =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16FE4}\u{1D159}]|\p{M}{7}|^\p{M}/u

/** Reads the operation of a resource token. @throws Refusal where it has another form */
export function readOperation(operation: unknown, metadata: Asked['metadata']): Operation | undefined {
  if (operation === undefined) return undefined
  const wrong = badResourceToken('operation_invalid', '`operation` of the resource token is wrong')
  if (!isObject(operation)) throw wrong
  const { name, digest, display } = operation
  if (!isText(name) || !Object.hasOwn(Object(metadata['operations']), name)) throw wrong
  if (typeof digest !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(digest)) throw wrong
  if (display === undefined) return { name, digest, display }
  if (!Array.isArray(display) || display.length === 0) throw wrong
  if (display.length > 64) throw wrong
  const shown = display as readonly unknown[]
  if (!shown.every(text => typeof text === 'string')) throw wrong
  const texts = shown as readonly string[]
  if ([...texts.join('')].length > 500) throw wrong
  // A symbol may be followed by U+FE0F, which shows it in colours.
  if (texts.some(text => hidden.test(text.replace(/(\p{So})\uFE0F/gu, '$1')))) throw wrong
  return { name, digest, display: texts }
}

/** Checks that a user may be asked about a call, and ends an equal question. @throws Refusal */
export function checkQuestion({ state, now }: Context, caller: Caller, asked: Asked): User {
  const user = state.users.find(({ sub }) => sub === asked.sub)
  if (user === undefined) throw denied('approval_without_user', 'there is no user who could approve the call')
  if (user.stopped.has(caller.agent)) throw denied('approval_stopped', 'the user has told this agent to stop asking')
  const open = [...state.requests.values()].filter(one => isOpenQuestion(one, user, now()))
  const same = open.find(one => isEqual(one, caller, asked))
  if (same !== undefined) {
    state.requests.delete(same.token)
    return user
  }
  const tooMany = refusing(429, 'rate_limited')('approvals_too_many', 'the user is asked too often').with({
    headers: { 'retry-after': '60' },
  })
  const ofAgent = open.filter(one => one.caller.agent === caller.agent)
  const ofDelegate = ofAgent.filter(one => one.caller.delegate === caller.delegate)
  if (ofDelegate.length >= 5) throw tooMany
  if (ofAgent.length >= 10) throw tooMany
  user.asked = user.asked.filter(at => at > now() - 86_400)
  if (user.asked.length >= 50) throw tooMany
  user.asked.push(now())
  return user
}

/** Whether a question about a call waits for this user. */
export function isOpenQuestion(request: OpenRequest, user: User, now: number): boolean {
  const { asked, decision, ends } = request
  return asked.operation !== undefined && isFor(user, asked.sub) && decision === undefined && ends > now
}

/** Whether a user is the one whom a request is for. */
export function isFor({ sub }: User, wanted: string | undefined): boolean {
  return sub === wanted
}

function isEqual({ caller: other, asked: known }: OpenRequest, caller: Caller, asked: Asked): boolean {
  if (other.agent !== caller.agent || other.delegate !== caller.delegate) return false
  if (other.jkt !== caller.jkt) return false
  return known.resource === asked.resource && known.operation?.digest === asked.operation?.digest
}

/** Whether the user has turned the inbox on, and has allowed this caller something at the resource. */
export function mayUseInbox({ state }: Context, caller: Caller, asked: Asked): boolean {
  if (asked.operation === undefined) return false
  const user = state.users.find(({ sub }) => sub === asked.sub)
  if (user === undefined) return false
  if (!user.hasInbox) return false
  return [...state.grants].some(grant => {
    if (grant.isEnded || grant.asked.operation !== undefined) return false
    if (grant.sub !== user.sub) return false
    if (grant.agent !== caller.agent || grant.delegate !== caller.delegate) return false
    return grant.asked.resource === asked.resource
  })
}
