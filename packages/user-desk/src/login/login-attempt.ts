import { randomBytes } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type Cookies, parseJson, refusal } from '@countersign/protocol/internal'
import { isReturnPath } from '../pages/return-path.js'

/** A login at a provider that is under way. */
export interface LoginAttempt {
  readonly provider: string
  readonly state: string
  readonly returnTo: string
  /** For another try. */
  readonly loginHint?: string
  readonly switchUser?: true
  /** It adds the account at the provider to the user who began it: the session knows who. */
  readonly links?: true
  /** The provider was asked to verify the user anew. */
  readonly reauthenticate?: true
  /** Unix seconds. */
  readonly began: number
  /** What the provider needs to finish. */
  readonly saved: Readonly<Record<string, string>>
}

/** Seconds that a login may take. */
const lifetime = 600
/** Seconds by which the clock of the instance that finishes a login may be behind. */
const skew = 60
/** Attempts of one browser at once. */
const most = 4
/**
 * Characters of all of them, names included. A link decides how long one is, and a browser whose cookies do not fit into the
 * headers of a request is locked out. Browsers also drop a cookie of more than 4096.
 */
const together = 3500
/** Characters of the name of one, about. */
const nameRoom = 40
/** Characters of one that keeps its login hint, which is for another try only. */
const longestWithHint = 1200
const prefix = 'login-'

/**
 * Attempts are kept in cookies of the browser, each in its own, so that two begun at once do not replace each other. A stranger
 * who begins a million of them takes no memory here, and a restart ends none.
 */
export interface LoginAttempts {
  /**
   * The `Set-Cookie` values that add an attempt. Where there are too many, or they are too long, it replaces the oldest.
   * @throws AAuthError `invalid_request`, shown as a page, where this one is too long by itself
   */
  add(message: ReceivedMessage, attempt: LoginAttempt): readonly string[]
  /** The attempt with this state. */
  find(message: ReceivedMessage, o: { readonly provider: string; readonly state: string }): LoginAttempt | undefined
  /** The `Set-Cookie` value that deletes it: a state is used once. */
  remove(message: ReceivedMessage, state: string): string
}

/** Reads and writes the cookies. */
export function loginAttempts(cookies: Cookies, now: () => number): LoginAttempts {
  const good = (value: string): LoginAttempt | undefined => {
    const attempt = decode(value)
    const isGood = attempt !== undefined && attempt.began <= now() + skew && attempt.began + lifetime > now()
    return isGood ? attempt : undefined
  }
  const all = (message: ReceivedMessage): Array<readonly [string, LoginAttempt]> =>
    [...cookies.readAll(message, prefix)].flatMap(([place, value]) => {
      const attempt = good(value)
      return attempt === undefined ? [] : [[place, attempt] as const]
    })
  return {
    add(message, attempt) {
      const added = encoded(attempt)
      // Cookies that hold no valid attempt take room as well, and go first.
      const there = [...cookies.readAll(message, prefix)]
        .map(([place, value]) => ({ place, size: value.length + nameRoom, began: good(value)?.began ?? 0 }))
        .sort((a, b) => b.began - a.began)
      let room = together - nameRoom - added.length
      const ended = there.filter(({ size }, index) => {
        room -= size
        return room < 0 || index >= most - 1
      })
      const [place = randomBytes(6).toString('base64url'), ...others] = ended.map(each => each.place)
      return [cookies.write(prefix + place, added, lifetime), ...others.map(each => cookies.clear(prefix + each))]
    },
    find: (message, { provider, state }) =>
      all(message).find(([, attempt]) => attempt.state === state && attempt.provider === provider)?.[1],
    remove(message, state) {
      const [place = 'none'] = all(message).find(([, attempt]) => attempt.state === state) ?? []
      return cookies.clear(prefix + place)
    },
  }
}

/** The cookie of an attempt, without the hint where that makes it long: the provider has it already. */
function encoded({ loginHint, ...attempt }: LoginAttempt): string {
  const whole = encode(loginHint === undefined ? attempt : { ...attempt, loginHint })
  const kept = whole.length <= longestWithHint ? whole : encode(attempt)
  if (kept.length + nameRoom <= together) return kept
  throw refusal('parameter_too_long', { about: 'what the cookies of a browser hold' })
}

function encode(attempt: LoginAttempt): string {
  return Buffer.from(JSON.stringify(attempt)).toString('base64url')
}

function decode(cookie: string): LoginAttempt | undefined {
  if (cookie.length > together) return undefined
  try {
    const value: unknown = parseJson(Buffer.from(cookie, 'base64url').toString('utf8'))
    return isAttempt(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isAttempt(value: unknown): value is LoginAttempt {
  if (typeof value !== 'object' || value === null) return false
  const told: Partial<Record<keyof LoginAttempt, unknown>> = value
  const { provider, state, returnTo, loginHint = '', switchUser = true, began, saved } = told
  const { links = true, reauthenticate = true } = told
  if (typeof provider !== 'string' || typeof state !== 'string' || typeof began !== 'number') return false
  if (typeof loginHint !== 'string' || switchUser !== true) return false
  if (links !== true || reauthenticate !== true) return false
  if (typeof returnTo !== 'string' || !isReturnPath(returnTo)) return false
  return typeof saved === 'object' && saved !== null && Object.values(saved).every(text => typeof text === 'string')
}
