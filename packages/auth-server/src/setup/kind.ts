import type { SiteOf } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import type { IssuerKind } from '@countersign/issuer/internal'
import { auditEventOf, shareOf } from '../audit/audit-event.js'
import type { AuthServerEvent } from '../event/event.js'
import { room } from '../tables/tables.js'

/** The longest life of an auth token in seconds. `authTokenLifetime` may be shorter now than it was. */
export const longestLifetime = 3600

/** What an auth server is, for `@countersign/issuer`. */
export const authServerKind: IssuerKind<AuthServerEvent> = {
  room,
  lifetimes: { tokenLifetime: longestLifetime, grace: 0 },
  eventOf: auditEventOf,
  shareOf,
  countedEvent: counted => ({ type: 'refusals_counted', ...counted }),
  isUndoneByRestore: event => undoneByRestore.has(event.type) || (event.type === 'granted' && event.by !== 'policy'),
}

/** An auth server whose agents share the audit log by site. */
export function kindBySite(siteOf: SiteOf | undefined): IssuerKind<AuthServerEvent> {
  return {
    ...authServerKind,
    shareOf(event) {
      const who = shareOf(event)
      return who?.agent === undefined ? who : { ...who, site: shareSite(who.agent, siteOf) }
    },
  }
}

const undoneByRestore: ReadonlySet<string> = new Set([
  'consented',
  'declined',
  'revoked',
  'taken_back',
  'alarm',
  'signed_out',
  'narrowed',
  'approvals_stopped',
  'inbox_turned',
  'blocked',
  'ended_by_operator',
  // A link that was used would work again, and an admin who was removed would be back.
  'admin_enrolled',
  'admin_removed',
  'admin_signed_out',
  'key_made',
  'key_retired',
  'key_revoked',
  'account_created',
  'account_recovered',
  'account_deleted',
  'passkey_removed',
  'provider_unlinked',
])
