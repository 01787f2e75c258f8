import {
  checkOptions,
  corsCheck,
  each,
  type OptionCheck,
  type OptionChecks,
  proxiesCheck,
  restriction,
  wrongOption,
} from '@countersign/protocol'
import type { RequestQuota } from './bound/request-quota.js'
import type { ExchangeOptions, ExchangeRule } from './exchange/exchange-rule.js'
import type { AuthServerOptions } from './options.js'
import type { DirectGrant, UserQuestion } from './policy.js'

/** A list, or one of these words. Another text must be refused: `includes` would find its parts. */
function listOr(...words: readonly string[]): OptionCheck {
  return (value, place) => {
    const isList = Array.isArray(value) && value.every(element => typeof element === 'string')
    if (!isList && !words.includes(value as string))
      throw wrongOption(place, `${words.map(word => `'${word}'`).join(', ')} or an array of strings`)
  }
}

const ruleChecks: OptionChecks<ExchangeRule> = {
  upstream: 'string',
  middle: 'string',
  downstream: 'string',
  upstreamScopes: restriction('strings'),
  scopes: restriction('strings'),
  decision: restriction(['direct', 'consent']),
}

const exchangeChecks: OptionChecks<ExchangeOptions> = {
  rules: each({ ...ruleChecks }),
  dangerouslySharedSubjects: 'strings',
  deadline: 'number',
}

const quotaChecks: OptionChecks<RequestQuota> = { agent: 'number', delegate: 'number', total: 'number' }

const checks: OptionChecks<AuthServerOptions> = {
  issuer: 'string',
  keys: each('object'),
  database: 'string',
  epoch: 'object',
  knownKeys: ['check', 'replace'],
  login: each('object'),
  policy: restriction('function'),
  deviceFlow: listOr('any'),
  exchange: { ...exchangeChecks },
  fetch: 'function',
  requestQuota: { ...quotaChecks },
  pagesPerMinute: 'number',
  discovery: 'object',
  logoFetcher: 'function',
  siteOf: 'function',
  replay: 'object',
  authTokenLifetime: 'number',
  now: 'function',
  development: 'boolean',
  cors: corsCheck,
  onEvent: 'function',
  trustedProxies: proxiesCheck,
  forwardedHeader: ['x-forwarded-for', 'forwarded'],
}

/** Refuses options that an auth server does not have. @throws TypeError that names the option, and what was probably meant */
export function checkAuthServerOptions(options: AuthServerOptions): void {
  checkOptions('createAuthServer', options, checks, ['issuer', 'keys', 'database'])
}

const grantChecks: OptionChecks<DirectGrant> = {
  agent: 'string',
  delegates: restriction(listOr('none', 'any')),
  resource: 'string',
  scopes: restriction('strings'),
}

/** Refuses an unfit direct grant: `delegates: 'pipeline-1'`, without brackets, would match every part of that text. */
export function checkDirectGrant(grant: DirectGrant): void {
  checkOptions('directGrants', grant, grantChecks, ['agent', 'resource', 'scopes'])
}

const questionChecks: OptionChecks<UserQuestion> = {
  agents: restriction(listOr('any')),
  delegates: restriction(listOr('none', 'any')),
  resources: restriction(listOr('any')),
  scopes: restriction(listOr('any')),
}

/** Refuses an unfit question to users: a misspelt `scopes` would let agents ask for any scope. */
export function checkUserQuestion(question: UserQuestion): void {
  checkOptions('askUsers', question, questionChecks, ['agents', 'resources'])
}
