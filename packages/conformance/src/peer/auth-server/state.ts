import type { Condition } from './conditions.js'
import { hashOf, secret } from './values.js'

/** Who asks: an agent, or one of its delegates. */
export interface Caller {
  readonly agent: string
  readonly delegate: string | undefined
  /** The key that signed the request. */
  readonly jwk: Readonly<Record<string, unknown>>
  readonly jkt: string
  /** What its agent token says it may be used for. */
  readonly delegation: readonly Condition[]
}

/** What an upstream token says, for an exchange. @see protocol §7 */
export interface Upstream {
  readonly iss: string
  readonly sub: string | undefined
  readonly act: Readonly<Record<string, unknown>>
  readonly exp: number
  readonly txn: string | undefined
  readonly purposes: readonly string[]
  readonly constraints: readonly Condition[]
  /** The grant that it is of, where this auth server has issued it. */
  readonly grant: Grant | undefined
}

/** What is asked for. */
export interface Asked {
  readonly resource: string
  /** The metadata of the resource. */
  readonly metadata: Readonly<Record<string, unknown>>
  readonly scope: readonly string[]
  readonly purposes: readonly string[]
  readonly purpose: string | undefined
  readonly upstream: Upstream | undefined
  /** The one call that a user is to approve. @see protocol §9.4 */
  readonly operation: Operation | undefined
  /** The user who is asked; undefined where any may answer. */
  readonly sub: string | undefined
  /** Where the request came from, and when. */
  readonly address: string
  readonly at: number
}

/** The call that a resource token is about. */
export interface Operation {
  readonly name: string
  readonly digest: string
  readonly display: readonly string[] | undefined
}

/** What was granted. */
export interface Grant {
  /** The claim `grant` of its tokens. */
  readonly name: string
  readonly agent: string
  readonly delegate: string | undefined
  readonly sub: string | undefined
  readonly scope: readonly string[]
  readonly asked: Asked
  readonly txn: string
  isEnded: boolean
}

/** What a user has allowed. */
export interface Allowed {
  readonly says: 'allow'
  readonly sub: string
  readonly scope: readonly string[]
}

/** A request that waits for a user. */
export interface OpenRequest {
  readonly kind: 'link' | 'device' | 'inbox'
  /** `request_token`, or `device_code`. */
  readonly token: string
  readonly caller: Caller
  readonly asked: Asked
  readonly redirectUri: string
  readonly state: string | undefined
  readonly userCode: string | undefined
  readonly ends: number
  /** The browser that has claimed it. */
  claimedBy?: Browser
  /** The user who has decided, and what they allow; `ended`: nobody will be asked. */
  decision?: Allowed | { readonly says: 'refuse' | 'ended' }
  code?: { readonly text: string; readonly at: number }
  /** The one answer to its code, and when it was given. */
  given?: { readonly at: number; readonly jkt: string; readonly grant: Grant; readonly answer: object }
  polledAt?: number
}

/** A browser, by its cookie. */
export interface Browser {
  readonly cookie: string
  /** What its forms must carry. */
  readonly formSecret: string
  /** The request tokens whose whole links it has opened, or whose codes were typed in. */
  readonly opened: Set<string>
  user?: User
  /** When its user was verified last. */
  verifiedAt: number
  /** Codes of devices that were no codes, with their times. */
  misses: number[]
  /** What comes back from another auth server, by `state`. */
  readonly linking: Map<string, { readonly request: OpenRequest; readonly upstreamToken: string }>
  /** Whom another auth server has signed in, by request token. */
  readonly signedInThere: Map<string, string>
  /** The words that its pages have shown, by request token. */
  readonly words: Map<string, string>
}

/** A user of the auth server. */
export interface User {
  readonly name: string
  readonly sub: string
  /** Whether questions may wait in the account. */
  hasInbox: boolean
  /** Codes of devices that were no codes, with their times. */
  misses: number[]
  /** The agents that were told to stop asking. */
  readonly stopped: Set<string>
  /** When questions about single calls were asked. */
  asked: number[]
}

/** A consent that may answer again. */
export interface Remembered {
  /** The scopes that were asked for, and the words that the page had for them. */
  readonly asked: readonly string[]
  readonly words: string
  /** What was allowed of them. */
  readonly scope: readonly string[]
}

/** All that the auth server knows. */
export interface State {
  readonly users: readonly User[]
  readonly browsers: Map<string, Browser>
  readonly requests: Map<string, OpenRequest>
  readonly grants: Set<Grant>
  /** By the hash of the refresh token. */
  readonly refreshTokens: Map<string, { readonly grant: Grant; usedAt: number }>
  /** What users have allowed before, with the words that they saw, by all that a consent is bound to. */
  readonly remembered: Map<string, Remembered>
  /** Users of other auth servers: `sub` here by `iss` and `sub` there. */
  readonly links: Map<string, string>
}

/** A state with these users, and nothing else. */
export function openState(names: readonly string[]): State {
  const userOf = (name: string): User => {
    return { name, sub: secret(16), hasInbox: false, misses: [], stopped: new Set(), asked: [] }
  }
  return {
    users: names.map(userOf),
    browsers: new Map(),
    requests: new Map(),
    grants: new Set(),
    refreshTokens: new Map(),
    remembered: new Map(),
    links: new Map(),
  }
}

/** The key under which the account of a user at another auth server is kept. */
export function linkKey(iss: string, sub: string): string {
  return JSON.stringify([iss, sub])
}

/** All that a consent is bound to. @see protocol §6.3 */
export function yesKey(sub: string, { agent, delegate }: Caller, asked: Asked): string {
  const [scope, purposes] = [sorted(asked.scope), sorted(asked.purposes)]
  const chain = asked.upstream === undefined ? undefined : [asked.upstream.iss, asked.upstream.act]
  return JSON.stringify([sub, agent, delegate ?? null, asked.resource, scope, purposes, chain ?? null])
}

function sorted(words: readonly string[]): string {
  return words.toSorted((one, other) => (one < other ? -1 : 1)).join(' ')
}

/** The words that a user sees for what is asked for. */
export function shownWords({ metadata, scope }: Asked): string {
  const said = Object(metadata['scope_descriptions']) as Readonly<Record<string, unknown>>
  const grave = graveIn(metadata)
  return JSON.stringify(scope.map(name => [name, said[name] ?? null, grave.includes(name)]))
}

/** The scopes that a resource calls far-reaching. */
export function graveIn(metadata: Readonly<Record<string, unknown>>): readonly string[] {
  const grave = metadata['grave_scopes']
  return Array.isArray(grave) ? (grave as string[]) : []
}

/** The grant of a refresh token, where it is alive and the caller's. */
export function grantOf(
  state: State,
  { token, caller, now }: { readonly token: string; readonly caller: Caller; readonly now: number },
): Grant | undefined {
  const kept = state.refreshTokens.get(hashOf(token))
  if (kept === undefined) return undefined
  if (kept.grant.isEnded) return undefined
  if (kept.usedAt < now - 90 * 86_400) return undefined
  if (kept.grant.agent !== caller.agent) return undefined
  if (kept.grant.delegate !== caller.delegate) return undefined
  return kept.grant
}
