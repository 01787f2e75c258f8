import { monitorEventLoopDelay } from 'node:perf_hooks'
import { checkOptions } from '@countersign/protocol/internal'
import {
  type BatchObservableResult,
  type Meter,
  type MeterProvider,
  metrics,
  type Observable,
} from '@opentelemetry/api'
import type { Running } from './serve.js'

/** What is measured, and where the metrics go. */
export interface ServerMetricsOptions {
  /** What `serve` returned. */
  readonly running: Pick<Running, 'state'>
  /** The kind of server, e.g. `auth-server`. */
  readonly name: string
  /** The version of the program. */
  readonly version: string
  /** Default: the one that is registered now. */
  readonly meterProvider?: MeterProvider
}

/**
 * Metrics of a server and its process, by `@opentelemetry/api`: readiness, open connections, requests under way, memory, the delay of
 * the event loop, uptime and version. Register the SDK before: what is made earlier records nothing.
 * @throws TypeError for unknown options
 * @returns ends the metrics
 * @see docs/telemetry.md for all names
 * @example
 * ```ts
 * import { serve } from '@countersign/server'
 * import { serverMetrics } from '@countersign/server/otel'
 *
 * const running = await serve({
 *   name: 'hello',
 *   id: 'https://hello.example',
 *   port: 8443,
 *   participant: { handle: async () => Response.json({}) },
 * })
 * serverMetrics({ running, name: 'hello', version: '1.0.0' })
 * ```
 */
export function serverMetrics(options: ServerMetricsOptions): () => void {
  checkOptions(
    'serverMetrics',
    options,
    { running: 'object', name: 'string', version: 'string', meterProvider: 'object' },
    ['running', 'name', 'version'],
  )
  const meter = (options.meterProvider ?? metrics).getMeter('@countersign/server')
  const gauges = gaugesOf(meter)
  const delays = eventLoopDelays()
  const observe = async (result: BatchObservableResult): Promise<void> => {
    const { ready, connections, requests } = await options.running.state()
    result.observe(gauges.ready, ready ? 1 : 0)
    result.observe(gauges.connections, connections)
    result.observe(gauges.requests, requests)
    result.observe(gauges.uptime, process.uptime())
    result.observe(gauges.info, 1, {
      'countersign.server': options.name,
      'countersign.version': options.version,
      'process.runtime.version': process.versions.node,
    })
    const { rss, heapUsed } = process.memoryUsage()
    result.observe(gauges.memory, rss)
    result.observe(gauges.heap, heapUsed)
    const delay = delays.read()
    if (delay === undefined) return
    result.observe(gauges.delay, delay.p99)
    result.observe(gauges.longestDelay, delay.longest)
  }
  const all: Observable[] = Object.values(gauges)
  meter.addBatchObservableCallback(observe, all)
  return () => {
    meter.removeBatchObservableCallback(observe, all)
    delays.end()
  }
}

/** Seconds of delay since the last reading; nothing at the first one, which begins to measure: where nobody reads, nothing is measured. */
function eventLoopDelays(): { read(): { readonly p99: number; readonly longest: number } | undefined; end(): void } {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined
  return {
    read() {
      if (histogram === undefined) {
        histogram = monitorEventLoopDelay()
        histogram.enable()
        return undefined
      }
      if (histogram.count === 0) return undefined
      const delays = { p99: histogram.percentile(99) / 1e9, longest: histogram.max / 1e9 }
      histogram.reset()
      return delays
    },
    end: () => void histogram?.disable(),
  }
}

function gaugesOf(meter: Meter) {
  const gauge = (name: string, description: string, unit: string): Observable =>
    meter.createObservableGauge(name, { description, unit })
  return {
    ready: gauge('countersign.server.ready', '1 while the server takes requests, 0 while it cannot or drains', '1'),
    connections: gauge('countersign.server.connections', 'Open connections', '{connection}'),
    requests: gauge('countersign.server.requests.active', 'Requests that are being answered', '{request}'),
    uptime: gauge('process.uptime', 'Seconds since the process began', 's'),
    info: gauge('countersign.build.info', 'Always 1; its attributes name server, version and Node', '1'),
    memory: gauge('process.memory.usage', 'Memory of the process (resident set)', 'By'),
    heap: gauge('v8js.memory.heap.used', 'Memory that JavaScript objects use', 'By'),
    delay: gauge('nodejs.eventloop.delay.p99', 'Delay of the event loop since the last reading, 99th percentile', 's'),
    longestDelay: gauge('nodejs.eventloop.delay.max', 'Longest delay of the event loop since the last reading', 's'),
  }
}
