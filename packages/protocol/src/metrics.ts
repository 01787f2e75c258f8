import {
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api'
import { reasons } from './reason/reasons.js'

/** Seconds. With cached keys verification takes tens of microseconds; with new documents up to the timeout of discovery. */
const explicitBucketBoundaries = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** Makes a histogram of seconds, with the buckets that all histograms of this project have. */
export function secondsHistogram(meter: Meter, name: string, description: string): Histogram {
  return meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } })
}

/**
 * Makes instruments: at once where their provider is given, so that their first series are there before the first event, else at their
 * first use. Unlike spans, metrics are lost for good where they were made before an SDK was registered.
 * @param meterProvider default: the one that is registered at the first use
 */
export function whenUsed<T>(
  scope: string,
  meterProvider: MeterProvider | undefined,
  make: (meter: Meter) => T,
): () => T {
  let made = meterProvider && { instruments: make(meterProvider.getMeter(scope)) }
  return () => {
    made ??= { instruments: make(metrics.getMeter(scope)) }
    return made.instruments
  }
}

/**
 * Begins series at 0, before their first event: all that an alert names. Prometheus sees a rise only between two readings of one
 * series, so an alarm that begins its series would be seen by nobody.
 */
export function beginAtZero(counter: Counter, all: readonly Attributes[]): void {
  for (const attributes of all) counter.add(0, attributes)
}

/** The same for a histogram: it counts nothing that is not a number, and then has the series. */
export function beginEmpty(histogram: Histogram, all: readonly Attributes[]): void {
  for (const attributes of all) histogram.record(Number.NaN, attributes)
}

/** The instruments that auth servers and agent servers have in common. */
export interface IssuerInstruments {
  readonly tokens: Counter
  readonly refusals: Counter
  readonly alarms: Counter
  readonly keys: Counter
  readonly durations: Histogram
}

/** The statuses that a token endpoint answers with. */
const tokenStatuses = ['2xx', '4xx', '5xx']

/**
 * Makes the instruments that auth servers and agent servers have in common.
 * @param alarms the reasons of all alarms of this server
 * @param tokenEndpoint the name of the endpoint that issues tokens
 */
export function issuerInstruments(meter: Meter, alarms: readonly string[], tokenEndpoint: string): IssuerInstruments {
  const made = makeIssuerInstruments(meter)
  beginAtZero(
    made.alarms,
    alarms.map(reason => ({ 'aauth.reason': reason })),
  )
  beginEmpty(
    made.durations,
    tokenStatuses.map(status => ({ 'aauth.endpoint': tokenEndpoint, 'aauth.status': status })),
  )
  return made
}

function makeIssuerInstruments(meter: Meter): IssuerInstruments {
  return {
    tokens: meter.createCounter('aauth.tokens', { description: 'Tokens that were issued', unit: '{token}' }),
    refusals: meter.createCounter('aauth.refusals', { description: 'Requests that were refused', unit: '{refusal}' }),
    alarms: meter.createCounter('aauth.alarms', {
      description: 'Alarms: what should never happen, or an attack that was noticed',
      unit: '{alarm}',
    }),
    keys: meter.createCounter('aauth.own_keys', {
      description: 'Own keys that were made, retired or revoked',
      unit: '{key}',
    }),
    durations: secondsHistogram(meter, 'aauth.request.duration', 'Time to answer a request, once it has been read'),
  }
}

/** What one event adds to a counter. */
export interface Count {
  readonly counter: Counter
  readonly attributes: Attributes
  /** Default 1. */
  readonly by?: number
}

/** Adds what an event counts. */
export function count(counts: readonly Count[]): void {
  for (const { counter, attributes, by = 1 } of counts) counter.add(by, attributes)
}

/** The names of a refusal. */
interface RefusalNames {
  readonly code: string
  readonly reason: string
}

/** What a measured answer was. */
interface AnswerNames {
  readonly endpoint: string
  readonly status: number
}

const codes: ReadonlySet<string> = new Set(Object.values(reasons).flatMap(entry => entry.codes))

/** Attributes of a refusal. Values outside the closed sets become `other`: no series may come of a name that a peer or an operator's code chose. */
export function refusalAttributes({ code, reason }: RefusalNames): {
  'aauth.error': string
  'aauth.reason': string
} {
  return { 'aauth.error': codes.has(code) ? code : 'other', 'aauth.reason': reasonOf(reason) }
}

/** A reason of docs/reasons.md; `other` for any other text. */
export function reasonOf(reason: string): string {
  return Object.hasOwn(reasons, reason) ? reason : 'other'
}

/** Attributes of an answered request: its endpoint, and the first digit of its status, as in `4xx`. */
export function answerAttributes({ endpoint, status }: AnswerNames): {
  'aauth.endpoint': string
  'aauth.status': string
} {
  return { 'aauth.endpoint': endpoint, 'aauth.status': `${Math.floor(status / 100)}xx` }
}

/** What one gauge shows. */
export interface GaugeText {
  readonly name: string
  readonly description: string
  readonly unit: string
}

/**
 * Makes gauges of what waits in servers. The function that it returns adds a server, and returns how to remove it. Servers that share
 * the gauges are added up; while one cannot say its load, because its database is away, the gauges keep their last values.
 */
export function loadGauges<Load extends Readonly<Record<string, number>>>(
  meter: Meter,
  texts: Readonly<Record<keyof Load & string, GaugeText>>,
): (load: () => Promise<Load>) => () => void {
  const open = new Set<() => Promise<Load>>()
  const gauges = Object.entries<GaugeText>(texts).map(([member, { name, description, unit }]) => ({
    member,
    gauge: meter.createObservableGauge(name, { description, unit }),
  }))
  meter.addBatchObservableCallback(
    async result => {
      const loads = await Promise.all([...open].map(load => load().catch(() => undefined)))
      const known = loads.filter(load => load !== undefined)
      // A gauge keeps its last value, and readiness says that the database is away.
      if (known.length < open.size) return
      for (const { member, gauge } of gauges)
        result.observe(
          gauge,
          known.reduce((sum, load) => sum + (load[member] ?? 0), 0),
        )
    },
    gauges.map(({ gauge }) => gauge),
  )
  return load => {
    open.add(load)
    return () => void open.delete(load)
  }
}
