import { UsageError } from '@countersign/fetch/internal'
import type { Logger, Running } from '@countersign/server'
import { serverMetrics } from '@countersign/server/otel'
import { type MeterProvider, metrics } from '@opentelemetry/api'
import { z } from 'zod'
import { port } from '../flags/option-schema.js'
import { ownVersion } from '../own-files.js'
import { meterProviderOf } from './meters.js'
import { type MetricsEndpoint, metricsEndpoint } from './metrics-endpoint.js'

/** The options of the metrics port. */
export const metricsOptions = {
  metricsPort: port
    .optional()
    .describe(
      'a port of its own on which Prometheus reads GET /metrics; default none. docs/telemetry.md has the names',
    ),
  metricsHost: z
    .string()
    .optional()
    .describe('the address of the metrics port; who reaches it reads the metrics; default 127.0.0.1'),
}

/** The values of {@link metricsOptions}. */
export interface MetricsSettings {
  readonly metricsPort?: number | undefined
  readonly metricsHost?: string | undefined
}

/** The metrics of one server process. */
export interface Metrics {
  /** Gets all instruments: the SDK that the operator has registered, and the metrics port where there is one. */
  readonly meterProvider: MeterProvider
  /** Measures the process. Returns how to end that, and the metrics port with it. */
  begin(o: { readonly running: Running; readonly name: string; readonly log: Logger }): () => void
}

/**
 * Makes the metrics of a server process, and opens the metrics port, before the server itself opens. Without a metrics port only a
 * registered SDK records something, and no other is loaded.
 * @throws UsageError when the port or address cannot be used
 */
export async function metricsOf(settings: MetricsSettings): Promise<Metrics> {
  checkMetrics(settings)
  const reader = await readerOf(settings)
  const endpoint = reader && (await metricsPort(settings, reader.read))
  return {
    meterProvider: providerOf(reader),
    begin({ running, name, log }) {
      const end = serverMetrics({ running, name, version: ownVersion(), meterProvider: providerOf(reader) })
      endpoint?.tell(log)
      return () => {
        end()
        endpoint?.close()
      }
    },
  }
}

/** The metrics of one of several processes, which another one reads: the same, without a port. */
export async function metricsOfWorker(settings: MetricsSettings): Promise<Metrics & { read(): Promise<string> }> {
  const reader = await readerOf(settings)
  return {
    meterProvider: providerOf(reader),
    read: async () => (await reader?.read()) ?? '',
    begin: ({ running, name }) =>
      serverMetrics({ running, name, version: ownVersion(), meterProvider: providerOf(reader) }),
  }
}

/** @throws UsageError for settings that contradict each other */
export function checkMetrics({ metricsPort: port, metricsHost }: MetricsSettings): void {
  if (port === undefined && metricsHost !== undefined)
    throw new UsageError('--metrics-host is the address of --metrics-port: give that, too')
}

/** A metrics port that is open. */
export interface MetricsPort extends MetricsEndpoint {
  /** Logs where metrics can be read. */
  tell(log: Logger): void
}

/**
 * Opens the metrics port; undefined where the settings name none.
 * @throws UsageError when the port or address cannot be used
 */
export async function metricsPort(
  { metricsPort: number, metricsHost = '127.0.0.1' }: MetricsSettings,
  read: () => Promise<string>,
): Promise<MetricsPort | undefined> {
  if (number === undefined) return undefined
  const endpoint = await opened({ host: metricsHost, port: number, read })
  return {
    ...endpoint,
    tell: log => log.info({ event: 'metrics', url: endpoint.url }, 'metrics can be read'),
  }
}

function readerOf({ metricsPort: port }: MetricsSettings): Promise<Reader | undefined> {
  return port === undefined ? Promise.resolve(undefined) : prometheusReader()
}

function providerOf(reader: Reader | undefined): MeterProvider {
  return reader === undefined ? metrics : meterProviderOf([metrics, reader.meterProvider])
}

/** Seconds that one reading may take: a database that is away must not hold up the others. */
const readWithin = 5

interface Reader {
  readonly meterProvider: MeterProvider
  read(): Promise<string>
}

/** An SDK whose metrics are read as text. Loaded only where a server has a metrics port. */
async function prometheusReader(): Promise<Reader> {
  const [{ PrometheusExporter, PrometheusSerializer }, sdk] = await Promise.all([
    import('@opentelemetry/exporter-prometheus'),
    import('@opentelemetry/sdk-metrics'),
  ])
  // The exporter is the reader. Its own server has no bounds, and is not started.
  const reader = new PrometheusExporter({ preventServerStart: true })
  const serializer = new PrometheusSerializer('', false, undefined, true, true)
  return {
    meterProvider: new sdk.MeterProvider({ readers: [reader] }),
    async read() {
      const { resourceMetrics } = await reader.collect({ timeoutMillis: readWithin * 1000 })
      return serializer.serialize(resourceMetrics)
    },
  }
}

function opened(o: Parameters<typeof metricsEndpoint>[0]): Promise<MetricsEndpoint> {
  return metricsEndpoint(o).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new UsageError(
        `port ${o.port} is in use: end the program that listens there, or give another --metrics-port`,
      )
    if (error.code === 'EACCES')
      throw new UsageError(`this user may not listen on port ${o.port}: give a --metrics-port above 1023`)
    if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
      throw new UsageError(`this machine has no address ${o.host}: give another --metrics-host`)
    throw error
  })
}
