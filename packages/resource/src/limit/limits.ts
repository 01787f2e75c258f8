import { type Level, satisfies } from '@countersign/protocol'
import type { Caller, User } from '@countersign/verify'
import { networkOf } from '@countersign/verify/internal'
import { allowsMore, parseRate, type Rate } from './rate.js'

/**
 * Limits by level, such as `{ anonymous: '10/min', identified: '600/min' }`; a level without one is not limited.
 * Anonymous callers count per network (an IPv4 address, an IPv6 /64), pseudonymous ones per key and per network together,
 * identified ones per delegate and per agent together, authorized ones per user and agent; with `site`, both of them also per
 * registrable domain of the agent.
 * @see protocol §4 "Limits by level"
 */
export interface Limits extends Partial<Readonly<Record<Level, string>>> {
  /** All pseudonymous keys of one network together. Default: the `pseudonymous` limit, so fresh keys reset nothing. */
  readonly network?: string
  /** All delegates of one agent together. Default: the `identified` limit, so fresh delegates reset nothing. */
  readonly agent?: string
  /**
   * All agents under one registrable domain together, identified and authorized ones alike, so that fresh subdomains reset
   * nothing. Default none. Needs `siteOf` of the resource.
   */
  readonly site?: string
}

/**
 * The registrable domain (eTLD+1) of a host by the Public Suffix List, such as `acme.example` of `agent.acme.example`; null, or
 * nothing, where it has none: then the host counts for itself. Of IPv6 addresses the host stands in brackets.
 * @see https://publicsuffix.org
 */
export type SiteOf = (host: string) => string | null | undefined

type LimitName = keyof Limits

/** A rate and the name of the counter family it counts in: a route's own, or the one all routes of a resource share. */
export interface NamedRate {
  readonly family: string
  readonly rate: Rate
}

/** The limits that hold on one route. */
export interface RouteLimits extends Partial<Readonly<Record<LimitName, NamedRate>>> {
  /** There wherever `site` is. */
  readonly siteOf?: SiteOf
}

/** One count a request is charged to. */
export interface Bucket {
  /** The limit it comes from. */
  readonly name: LimitName
  readonly key: string
  readonly rate: Rate
}

const names: readonly LimitName[] = [
  'anonymous',
  'pseudonymous',
  'identified',
  'authorized',
  'network',
  'agent',
  'site',
]

/**
 * Reads limits once, when they are configured.
 * @throws TypeError for a limit that does not read like `10/min`, for an unknown name, and for `site` without `siteOf`
 */
export function parseLimits(limits: Limits, family: string, siteOf?: SiteOf): RouteLimits {
  const parsed: Partial<Record<LimitName, NamedRate>> = {}
  for (const [name, text] of Object.entries(limits)) {
    const known = names.find(candidate => candidate === name)
    if (known === undefined) throw new TypeError(`limits are named ${names.join(', ')}`)
    if (text !== undefined) parsed[known] = { family, rate: parseRate(text) }
  }
  if (parsed.site === undefined) return parsed
  if (siteOf === undefined)
    throw new TypeError(
      'a limit of site needs the option siteOf of createResource, such as host => getDomain(host, { allowPrivateDomains: true }) with getDomain of tldts',
    )
  return { ...parsed, siteOf }
}

/**
 * The counts one request is charged to.
 * Keys are JSON arrays, never glued strings: no `:` or newline in a subject makes one caller's key another's.
 * @param peer where the caller is, as far as trusted proxies say
 */
export function bucketsOf(caller: Caller, limits: RouteLimits, peer: string | undefined = caller.peer): Bucket[] {
  const level = limits[caller.level]
  // Callers whose address is unknown share one count: hiding an address escapes no limit.
  const network = caller.level === 'anonymous' || caller.level === 'pseudonymous' ? networkOf(peer ?? '') : ''
  switch (caller.level) {
    case 'anonymous':
      return bucket(level, 'anonymous', network)
    case 'pseudonymous':
      // The network first: past its limit no new key is counted. Otherwise a flood of new keys would push the count of their
      // network out of a bounded counter (RAT-01).
      return [
        ...bucket(limits.network ?? level, 'network', network),
        ...bucket(level, 'pseudonymous', caller.key.thumbprint),
      ]
    case 'identified':
      return [
        ...siteBucket(caller.agent, limits),
        ...bucket(level, 'identified', caller.agent, caller.delegate ?? null),
        ...bucket(limits.agent ?? level, 'agent', caller.agent),
      ]
    case 'authorized':
      return [
        ...siteBucket(caller.agent, limits),
        ...bucket(level, 'authorized', caller.issuer, caller.token.sub ?? null, caller.agent),
      ]
  }
}

/** First of its caller's, as the network is: past it no fresh agent is counted any more, nor pushes it out (RAT-07). */
function siteBucket(agent: string, { site, siteOf }: RouteLimits): Bucket[] {
  if (site === undefined || siteOf === undefined) return []
  const host = new URL(agent).hostname
  return bucket(site, 'site', siteOf(host) ?? host)
}

/**
 * The counts a request with a bearer token is charged to: those of level authorized, per user, or per network where it names none.
 */
export function bearerBucketsOf(
  user: Pick<User, 'iss' | 'sub'> | undefined,
  limits: RouteLimits,
  peer: string | undefined,
): Bucket[] {
  const who = user === undefined ? [networkOf(peer ?? '')] : [user.iss, user.sub]
  return bucket(limits.authorized, 'authorized', 'bearer', ...who)
}

/** The counts a request of a bot is charged to: those of level identified, per bot. It takes nothing of an agent of that name. */
export function botBucketsOf(bot: string, limits: RouteLimits): Bucket[] {
  return bucket(limits.identified, 'identified', 'bot', bot)
}

function bucket(limit: NamedRate | undefined, name: LimitName, ...key: ReadonlyArray<string | null>): Bucket[] {
  if (limit === undefined) return []
  const { family, rate } = limit
  // With the window, which a counter keeps as it began: after a change from days to minutes no caller waits for the end of the day.
  return [{ name, key: JSON.stringify([family, name, rate.seconds, ...key]), rate }]
}

const levels: readonly Level[] = ['pseudonymous', 'identified', 'authorized']

/** The next level above `level` that has a higher limit than the one that was exceeded, if any: what a 429 may advise. */
export function roomierLevel(level: Level, limits: RouteLimits, exceeded: Rate): Level | undefined {
  return levels.find(next => !satisfies(level, next) && allowsMore(limits[next]?.rate, exceeded))
}
