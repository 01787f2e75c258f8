import {
  checkOptions,
  each,
  identifiersCheck,
  type OptionCheck,
  type OptionChecks,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import type { Limits } from '../limit/limits.js'
import type { Bearer } from './bearer.js'
import type { DenyLists, UserOfAgent } from './deny.js'
import type { Requirement } from './requirement.js'
import type { WebBot } from './web-bot.js'

const level: OptionCheck = ['anonymous', 'pseudonymous', 'identified', 'authorized']

/** A text, or several. */
const textsCheck: OptionCheck = (value, place) => {
  const texts = Array.isArray(value) ? value : [value]
  if (!texts.every(text => typeof text === 'string')) throw wrongOption(place, 'a string or an array of strings')
}

const userChecks: OptionChecks<UserOfAgent> = { iss: 'string', sub: 'string', agent: 'string' }

const denyChecks: OptionChecks<DenyLists> = {
  agents: restriction('strings'),
  delegates: restriction(each({ agent: 'string', delegate: 'string' })),
  users: restriction(each({ ...userChecks })),
}

/** Lists of callers to refuse, or a function. A misspelt list would refuse no one. */
export const denyCheck: OptionCheck = (value, place) => {
  if (typeof value === 'function') return
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongOption(place, 'a function, or an object of agents, delegates and users')
  checkOptions(`${place.taker}: ${place.path}`, value as DenyLists, denyChecks)
}

const limitsChecks: OptionChecks<Limits> = {
  anonymous: restriction('string'),
  pseudonymous: restriction('string'),
  identified: restriction('string'),
  authorized: restriction('string'),
  network: restriction('string'),
  agent: restriction('string'),
  site: restriction('string'),
}
export const limitsCheck: OptionCheck = { ...limitsChecks }

const bearerChecks: OptionChecks<Bearer> = { verify: 'function', realm: 'string', resourceMetadata: 'string' }
const webBotChecks: OptionChecks<WebBot> = { bots: restriction(identifiersCheck), directory: 'object' }

const besideCheck: OptionCheck = (value, place) => {
  if (typeof value !== 'object' || value === null) throw wrongOption(place, 'bearer(…), webBot(…), or a list of both')
  const taker = `${place.taker}: ${place.path}`
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const one of all) {
    if (Object.hasOwn(Object(one), 'bots')) checkOptions(taker, one as WebBot, webBotChecks, ['bots'])
    else checkOptions(taker, one as Bearer, bearerChecks, ['verify'])
  }
}

const checks: OptionChecks<Requirement> = {
  name: 'string',
  level: restriction(level),
  scope: restriction(textsCheck),
  agents: restriction(identifiersCheck),
  users: restriction(each({ ...userChecks })),
  deny: restriction(denyCheck),
  via: restriction('strings'),
  purposes: restriction('strings'),
  operation: restriction('string'),
  describe: restriction('function'),
  unshown: 'strings',
  approve: restriction([true]),
  components: restriction('strings'),
  body: ['whole', 'stream'],
  replay: restriction(['unsafe', 'all']),
  limits: restriction(limitsCheck),
  policy: restriction('function'),
  alsoAccept: besideCheck,
  cacheControl: ['handler'],
}

/**
 * Refuses a requirement that does not say what it seems to: `{ agent: […] }` would let any key in.
 * @throws TypeError that names the member, and what was probably meant
 */
export function checkRequirement(requirement: Requirement): void {
  const { name } = (requirement as Requirement | undefined) ?? {}
  const taker = typeof name === 'string' ? `guard (${name})` : 'guard'
  checkOptions(taker, requirement, checks)
  const { scope, agents, level: asked } = requirement
  if (asked === undefined && scope === undefined && agents === undefined)
    throw new TypeError(
      `${taker}: say whom the route lets in: level 'anonymous' (everybody), 'pseudonymous' (any key) or 'identified' (any agent), or a list of agents, or a scope`,
    )
  if (Array.isArray(scope) && scope.length === 0)
    throw new TypeError(`${taker}: option 'scope' names no scope; leave it out, and say a level`)
}
