import { type OpenReporting, openReporting } from '@countersign/audit/internal'
import type { Store } from '@countersign/store'
import type { AgentServerOptions } from '../agent-server-options.js'
import type { AgentServerEvent } from '../event.js'
import { room, type Tables } from '../tables.js'
import { auditEventOf, shareOf } from './audit-event.js'

/**
 * Opens the audit log of a server, where its options say so, and what reports to it.
 * @throws TypeError for an unfit key; Error where the database has a log and the options say nothing of one
 */
export function openServerReporting(
  store: Store<Tables>,
  { id, audit }: Pick<AgentServerOptions, 'id' | 'audit'>,
  { now, onEvent }: { readonly now: () => number; readonly onEvent: (event: AgentServerEvent) => void },
): Promise<OpenReporting<Tables, AgentServerEvent>> {
  return openReporting({
    ...{ store, onEvent, now, shareOf, option: audit, room, id },
    eventOf: auditEventOf,
    countedEvent: ({ delegate, refusals, since }) => ({
      ...{ type: 'refusals_counted', refusals, since },
      ...(delegate === undefined ? {} : { sub: delegate }),
    }),
    onFault: cause => onEvent({ type: 'alarm', reason: 'audit-failing', cause }),
    onChanged: index => onEvent({ type: 'alarm', reason: 'audit-changed', index }),
    started: async audit_key => ({ type: 'started', audit_key }),
  })
}
