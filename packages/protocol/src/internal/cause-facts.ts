/** Facts about a refusal that an operator needs besides its description. */
export interface CauseFacts {
  /** When clocks are the cause: seconds by which the signer's or issuer's clock is ahead of this one; negative when it is behind. */
  readonly skew?: number
  /** The URL of the document that could not be fetched, at most 300 characters. */
  readonly url?: string
  /** Why it could not be fetched: words, a code of the platform, or a status. */
  readonly why?: string
}

/** Most causes in a chain of causes that are read. */
const deepest = 6
const longest = 300

/**
 * Reads the facts for a log from the `cause` of a refusal and the causes below it: the difference of two clocks, and the document that
 * could not be fetched and why. Never the text of an error.
 * @param cause an error, or its `cause`
 */
export function causeFacts(cause: unknown): CauseFacts {
  let facts: CauseFacts = {}
  let at = cause
  for (let depth = 0; depth < deepest && at instanceof Object; depth++) {
    // The outermost cause with a fact wins: it belongs to this refusal.
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

/** A smaller difference, in seconds, is within the tolerance of signatures and not the cause. */
const leastSkew = 30

function skewIn({ now, created, iat, nbf }: Times): Pick<CauseFacts, 'skew'> {
  if (typeof now !== 'number') return {}
  const signed =
    typeof created === 'number' ? created : Math.max(...[iat, nbf].filter(time => typeof time === 'number'))
  const skew = Math.round(signed - now)
  // Tokens are usually older than now: only one from the future shows that a clock is wrong.
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
