import type { IssuerKind } from '@countersign/issuer/internal'
import { auditEventOf, shareOf } from './audit/audit-event.js'
import type { AgentServerEvent } from './event.js'
import { room } from './tables.js'
import { longestLifetime, renewalGrace } from './token-lifetime.js'

/** What an agent server is, for `@countersign/issuer`. */
export const agentServerKind: IssuerKind<AgentServerEvent> = {
  room,
  lifetimes: { tokenLifetime: longestLifetime, grace: renewalGrace },
  eventOf: auditEventOf,
  shareOf,
  countedEvent: ({ delegate, refusals, since }) => ({
    type: 'refusals_counted',
    refusals,
    since,
    ...(delegate === undefined ? {} : { sub: delegate }),
  }),
  isUndoneByRestore: ({ type }) => undoneByRestore.has(type),
}

const undoneByRestore: ReadonlySet<string> = new Set([
  'enrolled',
  'rotated',
  'revoked',
  'enrollment_revoked',
  'forgotten',
  'delegation_set',
  'key_made',
  'key_retired',
  'key_revoked',
])
