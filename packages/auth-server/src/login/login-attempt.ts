import { randomBytes } from 'node:crypto'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type Cookies, parseJson } from '@countersign/protocol'
import { isReturnPath } from './return-path.js'

/** A browser that was sent to a provider and is not back yet. */
export interface LoginAttempt {
  readonly provider: string
  readonly state: string
  readonly returnTo: string
  /** As it was begun, so that it can be tried again. */
  readonly loginHint?: string
  readonly switchUser?: true
  /** Unix seconds. */
  readonly began: number
  /** What the provider wants to know when the browser is back. */
  readonly saved: Readonly<Record<string, string>>
}

/** Seconds a user may take at the provider. */
const lifetime = 600
/** Seconds by which the clock of the instance that a browser comes back to may be behind. */
const skew = 60
/** Attempts of one browser at once: all of them must fit into the headers of its requests. */
const most = 4
/** Characters of a cookie: browsers drop one over 4096 bytes. */
const longest = 4096
const prefix = 'login-'

/**
 * Attempts live in the browser's own cookies, each in one of its own, so that of two begun at once neither replaces the other.
 * A stranger who begins a million of them fills nothing of ours, and a restart ends none.
 */
export interface LoginAttempts {
  /** The `Set-Cookie` value that adds an attempt; where there are too many, in place of the oldest. */
  add(message: ReceivedMessage, attempt: LoginAttempt): string
  /** The attempt with this state. */
  find(message: ReceivedMessage, o: { readonly provider: string; readonly state: string }): LoginAttempt | undefined
  /** The `Set-Cookie` value that forgets it: a state is good once. */
  remove(message: ReceivedMessage, state: string): string
}

/** Reads and writes the cookies. */
export function loginAttempts(cookies: Cookies, now: () => number): LoginAttempts {
  const all = (message: ReceivedMessage): Array<readonly [string, LoginAttempt]> =>
    [...cookies.readAll(message, prefix)].flatMap(([place, value]) => {
      const attempt = decode(value)
      const isGood = attempt !== undefined && attempt.began <= now() + skew && attempt.began + lifetime > now()
      return isGood ? [[place, attempt] as const] : []
    })
  return {
    add(message, attempt) {
      const there = all(message).sort(([, a], [, b]) => a.began - b.began)
      const [oldest] = there.length < most ? [] : (there[0] ?? [])
      const place = oldest ?? randomBytes(6).toString('base64url')
      return cookies.write(prefix + place, encode(attempt), lifetime)
    },
    find: (message, { provider, state }) =>
      all(message).find(([, attempt]) => attempt.state === state && attempt.provider === provider)?.[1],
    remove(message, state) {
      const [place = 'none'] = all(message).find(([, attempt]) => attempt.state === state) ?? []
      return cookies.clear(prefix + place)
    },
  }
}

function encode(attempt: LoginAttempt): string {
  return Buffer.from(JSON.stringify(attempt)).toString('base64url')
}

function decode(cookie: string): LoginAttempt | undefined {
  if (cookie.length > longest) return undefined
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
  if (typeof provider !== 'string' || typeof state !== 'string' || typeof began !== 'number') return false
  if (typeof loginHint !== 'string' || switchUser !== true) return false
  if (typeof returnTo !== 'string' || !isReturnPath(returnTo)) return false
  return typeof saved === 'object' && saved !== null && Object.values(saved).every(text => typeof text === 'string')
}
