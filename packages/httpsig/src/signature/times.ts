import { refusal } from '../error.js'

/** By which clock, and how strictly, the times of a signature are judged. */
export interface TimeRules {
  /** Unix seconds; default the system clock. */
  readonly now?: () => number
  /** Largest distance of `created` from now, seconds; default 60. */
  readonly tolerance?: number
}

/** @throws RangeError outside 1 to 300 */
export function checkTolerance({ tolerance }: TimeRules): void {
  // A tolerance of NaN or of a day would switch the check of `created` off.
  if (tolerance !== undefined && !(tolerance >= 1 && tolerance <= 300))
    throw new RangeError('tolerance must be 1 to 300 seconds')
}

function systemSeconds(): number {
  return Date.now() / 1000
}

/** Refuses a signature that is too old, of the future or expired. @returns `created` @throws HttpSigError */
export function checkTime(created: number | undefined, expires: number | undefined, options: TimeRules): number {
  // Whole seconds, like `created`: a difference of 60.4 s counts as 60.
  const now = Math.floor((options.now ?? systemSeconds)())
  const tolerance = options.tolerance ?? 60
  if (created === undefined) throw refusal('created_missing')
  // Written so that a clock that reads NaN refuses.
  if (!(created - now <= tolerance)) throw refusal('created_in_future', { cause: { created, now } })
  if (now - created > tolerance) throw refusal('created_too_old', { cause: { created, now } })
  if (expires !== undefined && (expires < created || !(now <= expires)))
    throw refusal('signature_expired', { cause: { expires, now } })
  return created
}
