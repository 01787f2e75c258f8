import type { AuthServerEvent } from '../event/event.js'

/** An alarm, for the overview. */
export interface NotedAlarm {
  /** Unix seconds. */
  readonly at: number
  readonly reason: string
  readonly agent?: string
  readonly user?: string
  readonly grant?: string
  readonly peer?: string
}

/** The last alarms of this instance. */
export interface NotedAlarms {
  /** Receives events, and passes them on. */
  onEvent(event: AuthServerEvent): void
  /** The newest first. */
  list(): readonly NotedAlarm[]
}

/** Alarms, and refused requests to the admin page, that are kept. */
const [mostAlarms, mostRefusals] = [50, 10]

/** Keeps the last alarms in memory, of all that passes. The log has every one. */
export function noteAlarms(next: ((event: AuthServerEvent) => void) | undefined, now: () => number): NotedAlarms {
  const alarms: NotedAlarm[] = []
  const refusals: NotedAlarm[] = []
  return {
    onEvent(event) {
      next?.(event)
      const alarm = alarmIn(event)
      if (alarm === undefined) return
      // Strangers can cause any number of refusals: they must not push out the alarms.
      const [kept, most] = event.type === 'admin_refused' ? [refusals, mostRefusals] : [alarms, mostAlarms]
      // bound: 50 alarms, and 10 refusals; bytes: 60 × 1 KiB; grown by a stranger; shared: refusals, which strangers
      // cause, push out no alarm; filled by noted-alarms.test.ts "the last 50 alarms are kept"
      kept.unshift({ at: now(), ...alarm })
      if (kept.length > most) kept.pop()
    },
    list: () => [...alarms, ...refusals].sort((one, other) => other.at - one.at),
  }
}

function alarmIn(event: AuthServerEvent): Omit<NotedAlarm, 'at'> | undefined {
  switch (event.type) {
    case 'alarm': {
      const { reason, ...about } = event
      if (!('agent' in about)) return { reason }
      const { agent, user } = about
      return { reason, agent, ...(user === undefined ? {} : { user }), ...('grant' in about && { grant: about.grant }) }
    }
    case 'passkey_copied':
      return { reason: 'passkey-copied', user: event.sub }
    case 'notice':
      return event.outcome === 'failed'
        ? { reason: 'resource-not-told', agent: event.agent, grant: event.grant }
        : undefined
    case 'admin_refused':
      return { reason: `admin-${event.reason}`, ...(event.peer === undefined ? {} : { peer: event.peer }) }
    default:
      return undefined
  }
}
