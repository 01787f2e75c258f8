/** What an operator must know of a refusal beside its description. */
export interface CauseFacts {
  /** Seconds by which the signer's or issuer's clock is ahead of the one here, or below 0 behind it, where that is why. */
  readonly skew?: number
  /** The document that could not be fetched: as it was asked for, at most 300 characters. */
  readonly url?: string
  /** Why: in words, a code of the platform, or a status. */
  readonly why?: string
}

/** Causes of causes that are looked at. */
const deepest = 6
const longest = 300

/**
 * Reads from the `cause` of a refusal, and those below it, what may go to a log: by how much two clocks differ, and which document
 * could not be fetched, and why. Never a text of a message.
 * @param cause an error, or its `cause`
 */
export function causeFacts(cause: unknown): CauseFacts {
  let facts: CauseFacts = {}
  let at = cause
  for (let depth = 0; depth < deepest && at instanceof Object; depth++) {
    // What is deeper is nearer to the fault: but the first one that says something is the one that was meant.
    facts = { ...skewIn(at), ...fetchingIn(at), ...facts }
    at = (at as { readonly cause?: unknown }).cause
  }
  return facts
}

interface Times {
  readonly now?: unknown
  readonly created?: unknown
  readonly iat?: unknown
  readonly nbf?: unknown
}

/** Less than the tolerance of signatures is never why. */
const leastSkew = 30

function skewIn({ now, created, iat, nbf }: Times): Pick<CauseFacts, 'skew'> {
  if (typeof now !== 'number') return {}
  const signed =
    typeof created === 'number' ? created : Math.max(...[iat, nbf].filter(time => typeof time === 'number'))
  const skew = Math.round(signed - now)
  // A token is older than now as a rule: only one from the future tells of a clock.
  const isWhy = typeof created === 'number' ? Math.abs(skew) > leastSkew : skew > leastSkew
  return isWhy && Number.isSafeInteger(skew) ? { skew } : {}
}

interface Fetching {
  readonly url?: unknown
  readonly why?: unknown
  readonly code?: unknown
  readonly status?: unknown
  readonly name?: unknown
}

function fetchingIn({ url, why, code, status, name }: Fetching): Pick<CauseFacts, 'url' | 'why'> {
  const reason =
    (typeof why === 'string' ? why : undefined) ??
    (name === 'TimeoutError' || code === 'ABORT_ERR' ? 'no answer in time' : undefined) ??
    (typeof code === 'string' && /^[A-Z][A-Z\d_]{2,40}$/.test(code) ? code : undefined) ??
    (typeof status === 'number' && name === undefined ? `status ${status}` : undefined)
  return {
    ...(typeof url === 'string' ? { url: url.slice(0, longest) } : {}),
    ...(reason === undefined ? {} : { why: reason.slice(0, longest) }),
  }
}
