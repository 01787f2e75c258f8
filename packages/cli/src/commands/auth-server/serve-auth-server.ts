import { openTelemetry } from '@countersign/auth-server/otel'
import { memoryReplaySet } from '@countersign/httpsig'
import { type LogLimit, logLimit } from '@countersign/protocol'
import type { Logger, Running } from '@countersign/server'
import { defined } from '../../flags/defined.js'
import { audit, discoveryAlarms } from '../../log/audit.js'
import { serveAdmin } from '../../server/admin-port.js'
import type { Opened } from '../../server/closing-on-failure.js'
import type { Start } from '../../server/first-start.js'
import type { Metrics } from '../../server/metrics.js'
import { dataFolder, discoveryFor, epochKeeper, type RunOptions, run, sharedReplay } from '../../server/participant.js'
import { noticeProxy } from '../../server/proxy-notice.js'
import { logNotClosed, swappable } from '../../server/swap.js'
import { type AuthServerSettings, databaseOf } from './auth-server-options.js'
import { type KeptParts, openAuthServer } from './open-auth-server.js'

/** New settings that are open beside the current ones. */
export interface Prepared {
  /** Sends new requests to them. */
  commit(): void
  /** Closes them; the current ones stay. */
  abort(): Promise<void>
}

/** An auth server of this process. */
export interface ServedAuthServer {
  readonly running: Running
  /** Opens the server with other settings. @throws UsageError for settings that are wrong; nothing has changed then */
  prepare(next: AuthServerSettings): Promise<Prepared>
}

/** What a process brings to its auth server. */
export interface ServedWith extends Pick<RunOptions, 'announce' | 'signals'> {
  readonly log: Logger
  readonly metrics: Metrics
  readonly opened: Opened
  readonly start: Start
}

/** Opens an auth server with its admin page, and listens. @throws UsageError for settings that are wrong, or a port in use */
export async function serveAuthServer(
  settings: AuthServerSettings,
  { log, metrics, opened, start, announce, signals }: ServedWith,
): Promise<ServedAuthServer> {
  const limit = logLimit(log)
  const kept = await keptParts(settings, { log, metrics, opened, limit })
  const first = await openAuthServer(settings, kept, start)
  const place = swappable(first.participant, logNotClosed(log))
  const adminPlace = first.admin && swappable(first.admin, logNotClosed(log))
  // The auth server itself answers CORS: the HTTP server would open its pages for users, too.
  const { cors: _, ...rest } = settings
  let current: Pick<AuthServerSettings, 'trustedProxies' | 'adminTrustedProxies'> = settings
  const participant = noticeProxy(place.participant, { log, proxies: () => current.trustedProxies })
  const page =
    adminPlace &&
    noticeProxy(adminPlace.participant, { log, proxies: () => current.adminTrustedProxies, setting: ofAdminPort })
  const admin = page && (await serveAdmin(page, settings, { log, server: participant }))
  const close = async (): Promise<void> => void (await Promise.all([admin?.close(), participant.close?.()]))
  const running = await run({ ...participant, close }, rest, {
    name: 'auth-server',
    log,
    logLimit: limit,
    metrics,
    ...defined({ announce, signals }),
  })
  return {
    running,
    async prepare(next) {
      const after = await openAuthServer({ ...next, replaceKeys: false }, kept, 'again')
      return {
        commit() {
          if (after.admin) adminPlace?.swap(after.admin)
          place.swap(after.participant)
          current = next
        },
        abort: async () => void (await Promise.all([after.admin?.close?.(), after.participant.close?.()])),
      }
    },
  }
}

const ofAdminPort = {
  name: 'adminTrustedProxies',
  flag: '--admin-trusted-proxies',
  without: 'refused requests to the admin page are recorded with its address',
}

async function keptParts(
  settings: AuthServerSettings,
  { log, limit, metrics, opened }: Pick<ServedWith, 'log' | 'metrics' | 'opened'> & { readonly limit: LogLimit },
): Promise<KeptParts> {
  const folder = dataFolder('auth-server', settings)
  const database = databaseOf(folder, settings)
  const telemetry = openTelemetry({ meterProvider: metrics.meterProvider })
  const alarms = discoveryAlarms(log, limit)
  return {
    folder,
    database,
    ...epochKeeper('auth-server', folder, { ...settings, database }),
    telemetry,
    discovery: discoveryFor(settings, {
      onEvent(event) {
        telemetry.discovery(event)
        alarms(event)
      },
    }),
    replay: memoryReplaySet(),
    ...(await sharedReplay(settings, opened)),
    onEvent: audit(log, limit),
  }
}
