import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  MeterProvider,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api'

/** The meters that one set of instruments feeds: that of the operator's SDK, and that of the metrics port. */
export function meterProviderOf(providers: readonly Pick<MeterProvider, 'getMeter'>[]): MeterProvider {
  return { getMeter: (name, version, options) => meterOf(providers.map(one => one.getMeter(name, version, options))) }
}

function meterOf(meters: readonly Meter[]): Meter {
  const parts = new WeakMap<Observable, readonly Observable[]>()
  const batches = new WeakMap<BatchObservableCallback, ReadonlyArray<BatchObservableCallback>>()
  const partsOf = (observables: readonly Observable[], index: number): Observable[] =>
    observables.map(one => parts.get(one)?.[index]).filter(part => part !== undefined)
  const observable =
    (make: (meter: Meter, name: string, options?: MetricOptions) => Observable) =>
    (name: string, options?: MetricOptions): Observable => {
      const made = meters.map(meter => make(meter, name, options))
      const whole: Observable = {
        addCallback: (callback: ObservableCallback) => eachOf(made, one => one.addCallback(callback)),
        removeCallback: (callback: ObservableCallback) => eachOf(made, one => one.removeCallback(callback)),
      }
      parts.set(whole, made)
      return whole
    }
  const adding =
    (
      make: (
        meter: Meter,
        name: string,
        options?: MetricOptions,
      ) => { add(value: number, attributes?: Attributes): void },
    ) =>
    (name: string, options?: MetricOptions) => {
      const made = meters.map(meter => make(meter, name, options))
      return { add: (value: number, attributes?: Attributes) => eachOf(made, one => one.add(value, attributes)) }
    }
  const recording =
    (
      make: (
        meter: Meter,
        name: string,
        options?: MetricOptions,
      ) => { record(value: number, attributes?: Attributes): void },
    ) =>
    (name: string, options?: MetricOptions) => {
      const made = meters.map(meter => make(meter, name, options))
      return { record: (value: number, attributes?: Attributes) => eachOf(made, one => one.record(value, attributes)) }
    }
  return {
    createCounter: adding((meter, ...how) => meter.createCounter(...how)),
    createUpDownCounter: adding((meter, ...how) => meter.createUpDownCounter(...how)),
    createGauge: recording((meter, ...how) => meter.createGauge(...how)),
    createHistogram: recording((meter, ...how) => meter.createHistogram(...how)),
    createObservableGauge: observable((meter, ...how) => meter.createObservableGauge(...how)),
    createObservableCounter: observable((meter, ...how) => meter.createObservableCounter(...how)),
    createObservableUpDownCounter: observable((meter, ...how) => meter.createObservableUpDownCounter(...how)),
    addBatchObservableCallback(callback, observables) {
      const own = meters.map(
        (_, index): BatchObservableCallback =>
          result =>
            callback({
              observe: (one, value, attributes) =>
                eachOf(partsOf([one], index), part => result.observe(part, value, attributes)),
            }),
      )
      batches.set(callback, own)
      meters.forEach((meter, index) => {
        const batch = own[index]
        if (batch !== undefined) meter.addBatchObservableCallback(batch, partsOf(observables, index))
      })
    },
    removeBatchObservableCallback(callback, observables) {
      meters.forEach((meter, index) => {
        const batch = batches.get(callback)?.[index]
        if (batch !== undefined) meter.removeBatchObservableCallback(batch, partsOf(observables, index))
      })
    },
  }
}

function eachOf<T>(all: readonly T[], act: (one: T) => void): void {
  for (const one of all) act(one)
}
