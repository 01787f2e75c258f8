import { auditChecks } from '@countersign/audit/internal'
import {
  checkOptions,
  corsCheck,
  each,
  type OptionChecks,
  objectOr,
  proxiesCheck,
  restriction,
} from '@countersign/protocol/internal'
import type { KeyRotation } from '@countersign/store'
import type { ApprovalLimits } from '../approval/approval-limits.js'
import type { DenyLists } from '../block/deny.js'
import type { RequestQuota } from '../bound/request-quota.js'
import type { ExchangeOptions, ExchangeRule } from '../exchange/exchange-rule.js'
import type { AuthServerOptions } from '../options.js'
import { listOr } from '../policy/check-policy.js'

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
  desk: 'object',
  policy: restriction('function'),
  deny: restriction({ ...denyChecks }),
  deviceFlow: listOr('any'),
  exchange: { ...exchangeChecks },
  fetch: 'function',
  requestQuota: { ...quotaChecks },
  approvalLimits: { ...approvalChecks },
  onApproval: 'function',
  discovery: 'object',
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

/** What was an option of `createAuthServer` before there was a desk. */
const ofDesk = ['login', 'branding', 'consentDefaults', 'pagesPerMinute', 'logoFetcher']

/** Refuses options that an auth server does not have. @throws TypeError that names the option, and what was probably meant */
export function checkAuthServerOptions(options: AuthServerOptions): void {
  for (const moved of ofDesk)
    if (moved in options)
      throw new TypeError(
        `createAuthServer: '${moved}' is an option of userDesk of @countersign/user-desk now: createAuthServer({ desk: userDesk({ login, … }) })`,
      )
  checkOptions('createAuthServer', options, checks, ['issuer', 'keys', 'database'])
}
