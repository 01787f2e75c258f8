import {
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api'

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
