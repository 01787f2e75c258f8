import type { AuditAppender } from '@countersign/audit'
import {
  appendAuditIfUsed,
  type OpenReporting,
  openReporting,
  type Reporter,
  type Reporting,
  type ReportingParts,
  recordIfUsed,
  reportTo,
} from '@countersign/audit/internal'
import type { SiteOf } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import { thumbprint } from '@countersign/httpsig'
import type { Store } from '@countersign/store'
import type { AuthServerEvent } from '../event/event.js'
import type { AuthServerOptions } from '../options.js'
import { room, type Tables } from '../tables/tables.js'
import { auditEventOf, shareOf } from './audit-event.js'

type Parts = Omit<ReportingParts<Tables, AuthServerEvent>, 'audit'>

/** What the events of an auth server are, for its log. */
function partsOf({
  development,
  siteOf,
  ...parts
}: Pick<Parts, 'store' | 'onEvent' | 'now'> & {
  readonly development: boolean
  readonly siteOf?: SiteOf | undefined
}): Parts {
  return {
    ...parts,
    eventOf: auditEventOf,
    shareOf(event) {
      const who = shareOf(event)
      return who?.agent === undefined || development ? who : { ...who, site: shareSite(who.agent, siteOf) }
    },
    countedEvent: counted => ({ type: 'refusals_counted', ...counted }),
  }
}

/** Appends to the log that a database has; undefined where it has none. For tools beside the server. */
export function findLog(store: Store<Tables>, now: () => number): Promise<AuditAppender | undefined> {
  return appendAuditIfUsed(store, { room, now })
}

/** Records in the log that a database has, and nothing where it has none. */
export function recordBeside(store: Store<Tables>, now: () => number): Promise<Reporter<AuthServerEvent>['record']> {
  return recordIfUsed(store, { room, now, eventOf: auditEventOf })
}

/** Reports to the log that a database has, without its key: for tools beside the server. */
export function reportBeside(
  o: Parameters<typeof partsOf>[0] & { readonly audit: AuditAppender | undefined },
): Reporting<Tables, AuthServerEvent> {
  const { audit, ...parts } = o
  return reportTo({ ...partsOf(parts), audit })
}

/**
 * Opens the audit log of a server, where its options say so, and what reports to it. Closes the store where that fails.
 * @throws TypeError for an unfit key; Error where the database has a log and the options say nothing of one
 */
export async function openServerReporting(
  store: Store<Tables>,
  { issuer, audit, keys, development = false, siteOf }: AuthServerOptions,
  { now, onEvent }: { readonly now: () => number; readonly onEvent: (event: AuthServerEvent) => void },
): Promise<OpenReporting<Tables, AuthServerEvent>> {
  try {
    return await openReporting({
      ...partsOf({ store, onEvent, now, development, siteOf }),
      ...{ option: audit, room, id: issuer },
      onFault: cause => onEvent({ type: 'alarm', reason: 'audit-failing', cause }),
      onChanged: index => onEvent({ type: 'alarm', reason: 'audit-changed', index }),
      async started(audit_key) {
        const given = 'rotateEvery' in keys ? (keys.before ?? []) : keys
        const names = await Promise.all(given.map(({ key }) => thumbprint(key.publicJwk)))
        return { type: 'started', keys: names, audit_key }
      },
    })
  } catch (error) {
    await store.close()
    throw error
  }
}
