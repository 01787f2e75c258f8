import {
  checkOptions,
  corsCheck,
  each,
  type OptionCheck,
  type OptionChecks,
  proxiesCheck,
  wrongOption,
} from '@countersign/protocol'
import type { AuthServerOptions } from './auth-server.js'
import type { ExchangeOptions, ExchangeRule } from './exchange/exchange-rule.js'
import type { DirectGrant, UserQuestion } from './policy.js'
import type { RequestQuota } from './request-quota.js'

/** A list, or one of these words. A text in place of a list would be searched for parts of itself. */
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
  upstreamScopes: 'strings',
  scopes: 'strings',
  decision: ['direct', 'consent'],
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
  policy: 'function',
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
  delegates: listOr('none', 'any'),
  resource: 'string',
  scopes: 'strings',
}

/** Refuses a direct grant that does not say what it seems to: `delegates: 'pipeline-1'` would name every part of that text. */
export function checkDirectGrant(grant: DirectGrant): void {
  checkOptions('directGrants', grant, grantChecks, ['agent', 'resource', 'scopes'])
}

const questionChecks: OptionChecks<UserQuestion> = {
  agents: listOr('any'),
  delegates: listOr('none', 'any'),
  resources: listOr('any'),
  scopes: listOr('any'),
}

/** The same for a question to users: a misspelt `scopes` would let agents ask for any. */
export function checkUserQuestion(question: UserQuestion): void {
  checkOptions('askUsers', question, questionChecks, ['agents', 'resources'])
}
