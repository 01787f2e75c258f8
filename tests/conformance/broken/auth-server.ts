import { approvals, inboxes } from './auth-server/approvals.js'
import { codes } from './auth-server/codes.js'
import { consents } from './auth-server/consents.js'
import { endpoints, errors } from './auth-server/endpoints.js'
import { exchanges } from './auth-server/exchanges.js'
import { late } from './auth-server/late.js'
import { participants } from './auth-server/participants.js'
import { policies } from './auth-server/policies.js'
import { revocations } from './auth-server/revocations.js'
import { tokens } from './auth-server/tokens.js'
import type { BrokenPeer } from './broken-peer.js'
import { brokenExchanges } from './middle.js'
import { policyAuthServers } from './policy.js'

export { legalAuthServers } from './auth-server/legal.js'

/** Auth servers that break one sentence each. */
export const brokenAuthServers: readonly BrokenPeer[] = [
  ...participants,
  ...endpoints,
  ...tokens,
  ...codes,
  ...consents,
  ...revocations,
  ...exchanges,
  ...brokenExchanges,
  ...errors,
  ...policies,
  ...approvals,
  ...inboxes,
  ...policyAuthServers,
  ...late,
]
