import { memoryReplaySet } from '@countersign/httpsig'
import { type LogLimit, logLimit } from '@countersign/protocol'
import { errorFields } from '@countersign/protocol/internal'
import { memoryCounter } from '@countersign/resource'
import { openTelemetry } from '@countersign/resource/otel'
import { jsonLog, type Logger } from '@countersign/server'
import type { Command } from 'commander'
import { readConfiguration } from '../../flags/configuration.js'
import { audit, discoveryAlarms, withoutPassed } from '../../log/audit.js'
import type { Opened } from '../../server/closing-on-failure.js'
import { checkFirstStart } from '../../server/first-start.js'
import { metricsOf } from '../../server/metrics.js'
import {
  dataFolder,
  discoveryFor,
  keysPath,
  type ProxySettings,
  prepareProcess,
  run,
  sharedReplay,
} from '../../server/participant.js'
import { noticeProxy } from '../../server/proxy-notice.js'
import { fixedSettings, hearReloads, reloadOnSignal } from '../../server/reload.js'
import { type GatewaySettings, gatewayOptions } from './gateway-options.js'
import { type Kept, type Made, openGateway } from './open-gateway.js'
import { sharedCounter } from './shared-counter.js'
import { sharedRevocations } from './shared-revocations.js'

/** The settings that only a restart can change. */
const fixed: ReadonlyArray<keyof GatewaySettings> = [
  ...fixedSettings,
  'counter',
  'revocations',
  'cors',
  'bodyLimit',
  'check',
]

/** `countersign gateway`: the guard in front of an API that does not speak AAuth. On SIGHUP it reads its settings again. */
export async function gateway(command: Command, opened: Opened): Promise<void> {
  hearReloads()
  const read = () => readConfiguration(command, gatewayOptions, process.env)
  const settings = read()
  // Checked before anything is created.
  prepareProcess(settings)
  const log = jsonLog({ name: 'gateway', together: true })
  const limit = logLimit(log)
  const start = await checkFirstStart(settings, { keys: keysPath(dataFolder('gateway', settings), settings) }, log)
  const metrics = await metricsOf(settings)
  const telemetry = openTelemetry({ meterProvider: metrics.meterProvider })
  const kept = await openKept(settings, { log, limit, telemetry, opened })
  const { participant, made, reload } = await openGateway(settings, kept, start)
  logMade(log, settings, made)
  const bodyLimit = settings.bodyLimit ?? 1_048_576
  let current: ProxySettings = settings
  const noticing = noticeProxy(participant, { log, proxies: () => current.trustedProxies })
  const running = await run(noticing, settings, { name: 'gateway', log, logLimit: limit, bodyLimit, metrics })
  reloadOnSignal({
    log,
    running,
    settings,
    fixed,
    read,
    async apply(next: GatewaySettings) {
      const remade = await reload(next)
      current = next
      logMade(log, next, remade)
    },
  })
}

interface OpeningKept extends Pick<Kept, 'telemetry'> {
  readonly log: Logger
  readonly limit: LogLimit
  readonly opened: Opened
}

/** Opens the parts that stay the same after a reload. */
async function openKept(settings: GatewaySettings, { log, limit, telemetry, opened }: OpeningKept): Promise<Kept> {
  const alarms = discoveryAlarms(log, limit)
  return {
    telemetry,
    discovery: discoveryFor(settings, {
      onEvent(event) {
        telemetry.discovery(event)
        alarms(event)
      },
    }),
    replay: memoryReplaySet(),
    counter: memoryCounter(),
    ...(await sharedReplay(settings, opened)),
    ...(await sharedCounter(settings, log, opened)),
    revocations: await sharedRevocations(settings, opened),
    onEvent: settings.accessLog === 'off' ? withoutPassed(audit(log, limit)) : audit(log, limit),
    // Limited: callers can cause any number of changes with a request that crashes the API.
    onUpstream: told =>
      limit.write('upstream', () =>
        told.state === 'back'
          ? log.info({ event: 'upstream', state: 'back' }, 'the API answers again')
          : log.warn({ event: 'upstream', state: 'away', cause: errorFields(told.cause) }, 'the API does not answer'),
      ),
  }
}

/** Logs that the gateway only observes, and which of its routes an API may read as ways round others. */
function logMade(log: Logger, { observe }: GatewaySettings, { paths, lax }: Made): void {
  if (observe)
    log.warn(
      { event: 'observing', answers: paths },
      'this gateway only observes: it lets through the requests that it would refuse',
    )
  for (const { path, stricter } of lax)
    log.warn(
      { event: 'lax_route', path, stricter },
      `the route ${path} asks for less than ${stricter.join(', ')}: an API with more spellings of a path (/index.php/…, /….json) serves those by the laxer rule, see docs/gateway.md, "Other spellings"`,
    )
}
