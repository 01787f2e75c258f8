import { seeOther } from '@countersign/protocol/internal'
import type { SessionUser } from '../login/entrance.js'
import { verifyPath } from './paths.js'

/** Seconds for which a verification counts. */
export const freshFor = 60
/** Seconds by which the clock of the instance that verified a user may be ahead. */
const skew = 5

/** Whether the user of a session was verified at most a minute ago: by a passkey or, for users without one, by their provider. */
export function isFresh({ verified }: Pick<SessionUser, 'verified'>, now: number): boolean {
  return verified <= now + skew && verified + freshFor >= now
}

/** Sends a user to be verified, and back to a page. */
export function verifyFirst(returnTo: string): Response {
  return seeOther(`${verifyPath}?${new URLSearchParams({ return_to: returnTo })}`, [])
}
