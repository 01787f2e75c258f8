import type { BotDirectory } from '@countersign/discovery'
import type { IdentifierList } from '@countersign/protocol'
import { checkOptions, identifiersCheck, type OptionChecks, restriction } from '@countersign/protocol/internal'
import type { Bearer } from './bearer.js'

/** Bots of Web Bot Auth that a route takes beside AAuth. */
export interface WebBot {
  /**
   * The bots that are admitted, by the origin of their key directory: exact, `https://*.host`, or `'any'`. Nothing is fetched for others.
   * `'any'` proves no more than that a host publishes the key: it costs a stranger a host name.
   */
  readonly bots: IdentifierList
  /** Looks up their keys. Default: one that all routes of the resource share. Required where the platform has no guarded fetcher. */
  readonly directory?: BotDirectory
}

/** What a route may take beside AAuth: `bearer(…)`, `webBot(…)`, or a list with one of each. */
export type AlsoAccept = Bearer | WebBot | ReadonlyArray<Bearer | WebBot>

const checks: OptionChecks<WebBot> = { bots: restriction(identifiersCheck), directory: 'object' }

/**
 * Lets a route take requests that a listed bot has signed (Web Bot Auth), for `alsoAccept`. Such a request is anonymous to AAuth. Its
 * signature may cover no more than the authority: **for safe methods one that was captured can be sent with another path** until it is a
 * minute old, once where it has a nonce. Where the request changes something, method, path, query and body must be covered.
 * @throws TypeError for an option that is wrong
 * @see protocol §3.8
 * @example
 * ```ts
 * import { type Requirement, webBot } from '@countersign/resource'
 *
 * export const feed: Requirement = { level: 'identified', alsoAccept: webBot({ bots: ['https://bot.example'] }) }
 * ```
 */
export function webBot(options: WebBot): WebBot {
  checkOptions('webBot', options, checks, ['bots'])
  return { ...options }
}

/** What a route takes beside AAuth, by kind. */
export interface Beside {
  readonly bearer?: Bearer | undefined
  readonly webBot?: WebBot | undefined
}

/** @throws TypeError for two of one kind: which of them judges a request would be a matter of order */
export function besideOf(alsoAccept: AlsoAccept | undefined): Beside {
  if (alsoAccept === undefined) return {}
  const all = 'length' in alsoAccept ? alsoAccept : [alsoAccept]
  const bots = all.filter(isWebBot)
  const bearers = all.filter(isBearer)
  if (all.length === 0 || bots.length > 1 || bearers.length > 1)
    throw new TypeError('alsoAccept takes bearer(…), webBot(…), or a list with one of each')
  return { bearer: bearers[0], webBot: bots[0] }
}

function isWebBot(one: Bearer | WebBot): one is WebBot {
  return 'bots' in one
}

function isBearer(one: Bearer | WebBot): one is Bearer {
  return !isWebBot(one)
}
