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
export function meterProviderOf(providers: ReadonlyArray<Pick<MeterProvider, 'getMeter'>>): MeterProvider {
  return {
    getMeter(name, version, options) {
      const meters = providers.map(one => one.getMeter(name, version, options))
      return { ...countersOf(meters), ...recordersOf(meters), ...observablesOf(meters) }
    },
  }
}

type Make<T> = (meter: Meter, name: string, options?: MetricOptions) => T

function countersOf(meters: readonly Meter[]): Pick<Meter, 'createCounter' | 'createUpDownCounter'> {
  const adding =
    (make: Make<{ add(value: number, attributes?: Attributes): void }>) => (name: string, options?: MetricOptions) => {
      const made = meters.map(meter => make(meter, name, options))
      return { add: (value: number, attributes?: Attributes) => eachOf(made, one => one.add(value, attributes)) }
    }
  return {
    createCounter: adding((meter, ...how) => meter.createCounter(...how)),
    createUpDownCounter: adding((meter, ...how) => meter.createUpDownCounter(...how)),
  }
}

function recordersOf(meters: readonly Meter[]): Pick<Meter, 'createGauge' | 'createHistogram'> {
  const recording =
    (make: Make<{ record(value: number, attributes?: Attributes): void }>) =>
    (name: string, options?: MetricOptions) => {
      const made = meters.map(meter => make(meter, name, options))
      return { record: (value: number, attributes?: Attributes) => eachOf(made, one => one.record(value, attributes)) }
    }
  return {
    createGauge: recording((meter, ...how) => meter.createGauge(...how)),
    createHistogram: recording((meter, ...how) => meter.createHistogram(...how)),
  }
}

type Observables = Omit<Meter, 'createCounter' | 'createUpDownCounter' | 'createGauge' | 'createHistogram'>

function observablesOf(meters: readonly Meter[]): Observables {
  const parts = new WeakMap<Observable, readonly Observable[]>()
  const observable = (make: Make<Observable>) => (name: string, options?: MetricOptions) => {
    const made = meters.map(meter => make(meter, name, options))
    const whole: Observable = {
      addCallback: (callback: ObservableCallback) => eachOf(made, one => one.addCallback(callback)),
      removeCallback: (callback: ObservableCallback) => eachOf(made, one => one.removeCallback(callback)),
    }
    parts.set(whole, made)
    return whole
  }
  return {
    createObservableGauge: observable((meter, ...how) => meter.createObservableGauge(...how)),
    createObservableCounter: observable((meter, ...how) => meter.createObservableCounter(...how)),
    createObservableUpDownCounter: observable((meter, ...how) => meter.createObservableUpDownCounter(...how)),
    ...batchesOf(meters, parts),
  }
}

/** Callbacks for several observables, each of which stands for one `part` in each meter. */
function batchesOf(
  meters: readonly Meter[],
  parts: WeakMap<Observable, readonly Observable[]>,
): Pick<Meter, 'addBatchObservableCallback' | 'removeBatchObservableCallback'> {
  const batches = new WeakMap<BatchObservableCallback, readonly BatchObservableCallback[]>()
  const partsOf = (observables: readonly Observable[], index: number): Observable[] =>
    observables.map(one => parts.get(one)?.[index]).filter(part => part !== undefined)
  const ofMeter =
    (callback: BatchObservableCallback, index: number): BatchObservableCallback =>
    result =>
      callback({
        observe: (one, value, attributes) =>
          eachOf(partsOf([one], index), part => result.observe(part, value, attributes)),
      })
  return {
    addBatchObservableCallback(callback, observables) {
      const own = meters.map((_, index) => ofMeter(callback, index))
      batches.set(callback, own)
      for (const [index, meter] of meters.entries()) {
        const batch = own[index]
        if (batch !== undefined) meter.addBatchObservableCallback(batch, partsOf(observables, index))
      }
    },
    removeBatchObservableCallback(callback, observables) {
      for (const [index, meter] of meters.entries()) {
        const batch = batches.get(callback)?.[index]
        if (batch !== undefined) meter.removeBatchObservableCallback(batch, partsOf(observables, index))
      }
    },
  }
}

function eachOf<T>(all: readonly T[], act: (one: T) => void): void {
  for (const one of all) act(one)
}
