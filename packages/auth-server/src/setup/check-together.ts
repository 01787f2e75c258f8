import { checkKeys } from '@countersign/issuer/internal'
import { checkIdentifier } from '@countersign/protocol/internal'
import { defaultApprovalLimits } from '../approval/approval-limits.js'
import { checkDeny } from '../block/deny.js'
import { defaultQuota } from '../bound/request-quota.js'
import { setupOf } from '../desk.js'
import type { AuthServerOptions } from '../options.js'
import { checkExchange } from './exchange-setup.js'
import { authServerKind, longestLifetime } from './kind.js'

/** Checks what options must be together. */
export function checkTogether(options: AuthServerOptions, development: boolean): void {
  const { issuer, authTokenLifetime: lifetime = 600, desk, deviceFlow = [], requestQuota } = options
  checkIdentifier('issuer', issuer, { development })
  checkKeys(options.keys, authServerKind)
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > longestLifetime) {
    throw new RangeError('authTokenLifetime must be whole seconds, 1 to 3600')
  }
  const { agent, delegate, total } = { ...defaultQuota, ...requestQuota }
  if (!(agent >= 1 && delegate >= 1 && total >= 1)) {
    throw new RangeError('requestQuota must be at least 1 for an agent, a delegate and in all')
  }
  const { delegate: ofDelegate, agent: ofAgent, day } = { ...defaultApprovalLimits, ...options.approvalLimits }
  if (!(ofDelegate >= 1 && ofAgent >= 1 && day >= 1)) {
    throw new RangeError('approvalLimits must be at least 1 for a delegate, an agent and a day')
  }
  checkDeny(options.deny ?? {}, { development, siteOf: options.siteOf })
  if (desk !== undefined) setupOf(desk).check({ development })
  if (desk === undefined && deviceFlow.length > 0) {
    throw new TypeError('deviceFlow needs a desk: a user types in the code')
  }
  checkExchange(options, development)
  if (deviceFlow !== 'any')
    for (const agent of deviceFlow) checkIdentifier('each of deviceFlow', agent, { development })
}
