import { endOf } from '@countersign/conditions'
import { grantOf } from '../revocation/revoked.js'
import type { Authorization } from './authorization.js'
import { conditionsIn } from './conditions.js'
import type { GuardedRequest } from './guarded-request.js'

type WhileOpen = (Authorization & { readonly ok: true })['whileOpen']

/** What is open ends with the grant of its request, when that is revoked, and with the time of its conditions (`policy.streams`). */
export function whileOpenOf({ guard: { open, now }, verified: { caller } }: GuardedRequest): WhileOpen {
  const grant = open === undefined ? undefined : grantOf(caller)
  const conditions = conditionsIn(caller)
  const time = conditions === undefined ? undefined : endOf(conditions, now())
  const enterGrant = open !== undefined && grant !== undefined ? (end: () => void) => open.enter(grant, end) : undefined
  if (time === undefined) return enterGrant
  return end => {
    const endOnce = once(end)
    const leaveGrant = enterGrant?.(endOnce)
    const leaveTime = at(time, now, () => {
      leaveGrant?.()
      endOnce()
    })
    return () => {
      leaveGrant?.()
      leaveTime()
    }
  }
}

/** Revoked at the very end of its time, an exchange ends once. */
function once(end: () => void): () => void {
  let isOver = false
  return () => {
    if (!isOver) end()
    isOver = true
  }
}

/** Longest delay of a timer, milliseconds. */
const longest = 2 ** 31 - 1

/** Calls `end` at a time. @returns stops waiting */
function at(time: number, now: () => number, end: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (): void => {
    const left = Math.ceil((time - now()) * 1000)
    if (left <= 0) end()
    else timer = setTimeout(left > longest ? wait : end, Math.min(left, longest))
    // An open stream keeps its server running, its end must not.
    if (typeof timer === 'object') timer.unref()
  }
  wait()
  return () => clearTimeout(timer)
}
