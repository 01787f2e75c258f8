import { auditChecks } from '@countersign/audit/internal'
import { type Conditions, parseConditions } from '@countersign/conditions'
import { AAuthError } from '@countersign/protocol'
import {
  checkOptions,
  corsCheck,
  each,
  type OptionCheck,
  type OptionChecks,
  objectOr,
  proxiesCheck,
  restriction,
  wrongOption,
} from '@countersign/protocol/internal'
import type { KeyRotation } from '@countersign/store'
import type { ApprovalLimits } from './approval/approval-limits.js'
import type { DenyLists } from './block/deny.js'
import type { RequestQuota } from './bound/request-quota.js'
import type { ExchangeOptions, ExchangeRule } from './exchange/exchange-rule.js'
import type { AuthServerOptions } from './options.js'
import type { Branding } from './pages/brand.js'
import type { ConsentDefaults } from './pages/limits-view.js'
import type { DirectGrant, PolicyAnswer, UserQuestion } from './policy/policy.js'

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

const approvalChecks: OptionChecks<ApprovalLimits> = { delegate: 'number', agent: 'number', day: 'number' }

const brandingChecks: OptionChecks<Branding> = {
  name: 'string',
  logo(value, place) {
    if (!(value instanceof Uint8Array)) throw wrongOption(place, 'a Uint8Array')
  },
  accent: 'string',
  accentDark: 'string',
}

/** A list of conditions, of which each is understood: one that is not would be kept by nobody. */
const conditionsCheck: OptionCheck = (value, place) => {
  try {
    parseConditions(value, { development: true })
  } catch (error) {
    throw wrongOption(place, `a list of conditions${error instanceof AAuthError ? ` (${error.description})` : ''}`)
  }
}

const defaultsChecks: OptionChecks<ConsentDefaults> = {
  duration: ['once', 'day', 'month'],
  callsPerDay(value, place) {
    conditionsCheck([{ type: 'calls', max: value, per: 'day' }], place)
    if (value === 0) throw wrongOption(place, 'at least 1')
  },
  hours(value, place) {
    conditionsCheck([{ ...Object(value), type: 'hours' }], place)
  },
  zone(value, place) {
    conditionsCheck([{ type: 'hours', zone: value, days: [1], from: '00:00', to: '00:00' }], place)
  },
}

// A misspelt list would let in who was to be kept out.
const denyChecks: OptionChecks<DenyLists> = {
  agents: restriction('strings'),
  delegates: restriction(each({ agent: 'string', delegate: 'string' })),
  sites: restriction('strings'),
  users: restriction('strings'),
}

const rotationChecks: OptionChecks<KeyRotation> = {
  rotateEvery: 'number',
  publishAhead: 'number',
  algorithm: 'string',
  before: each('object'),
}

const checks: OptionChecks<AuthServerOptions> = {
  issuer: 'string',
  keys: objectOr({ ...rotationChecks }, each('object')),
  database: 'string',
  epoch: 'object',
  knownKeys: ['check', 'replace'],
  audit: restriction(objectOr({ ...auditChecks }, ['off'])),
  login: each('object'),
  branding: { ...brandingChecks },
  policy: restriction('function'),
  deny: restriction({ ...denyChecks }),
  consentDefaults: { ...defaultsChecks },
  deviceFlow: listOr('any'),
  exchange: { ...exchangeChecks },
  fetch: 'function',
  requestQuota: { ...quotaChecks },
  approvalLimits: { ...approvalChecks },
  onApproval: 'function',
  pagesPerMinute: 'number',
  discovery: 'object',
  logoFetcher: 'function',
  siteOf: 'function',
  replay: 'object',
  authTokenLifetime: 'number',
  now: 'function',
  development: 'boolean',
  cors: corsCheck,
  telemetry: 'object',
  onEvent: 'function',
  trustedProxies: proxiesCheck,
  forwardedHeader: ['x-forwarded-for', 'forwarded'],
}

/** Refuses options that an auth server does not have. @throws TypeError that names the option, and what was probably meant */
export function checkAuthServerOptions(options: AuthServerOptions): void {
  checkOptions('createAuthServer', options, checks, ['issuer', 'keys', 'database'])
}

const answerChecks: OptionChecks<PolicyAnswer> = {
  decision: restriction(['direct', 'consent', 'deny']),
  conditions: restriction(conditionsCheck),
  approver: restriction('string'),
  by: 'strings',
}

/** Refuses an unfit answer of a policy: a misspelt `conditions` would set none. */
export function checkPolicyAnswer(answer: PolicyAnswer): void {
  checkOptions('policy', answer, answerChecks, ['decision'])
  if (answer.decision === 'direct') checkForNoUser('policy', answer.conditions)
}

/** A count for the whole life of a grant is begun anew by asking again: only a user's yes may do that (DEL-39). */
function checkForNoUser(what: string, conditions: Conditions = []): void {
  if (conditions.some(condition => condition.type === 'calls' && condition.per === 'grant'))
    throw new TypeError(`${what}: calls per grant need a user who is asked`)
}

const grantChecks: OptionChecks<DirectGrant> = {
  agent: 'string',
  delegates: restriction(listOr('none', 'any')),
  resource: 'string',
  scopes: restriction('strings'),
  conditions: restriction(conditionsCheck),
  approver: restriction('string'),
}

/** Refuses an unfit direct grant: `delegates: 'pipeline-1'`, without brackets, would match every part of that text. */
export function checkDirectGrant(grant: DirectGrant): void {
  checkOptions('directGrants', grant, grantChecks, ['agent', 'resource', 'scopes'])
  checkForNoUser('directGrants', grant.conditions)
}

const questionChecks: OptionChecks<UserQuestion> = {
  agents: restriction(listOr('any')),
  delegates: restriction(listOr('none', 'any')),
  resources: restriction(listOr('any')),
  scopes: restriction(listOr('any')),
  conditions: restriction(conditionsCheck),
}

/** Refuses an unfit question to users: a misspelt `scopes` would let agents ask for any scope. */
export function checkUserQuestion(question: UserQuestion): void {
  checkOptions('askUsers', question, questionChecks, ['agents', 'resources'])
}
