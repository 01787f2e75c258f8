import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { meterProviderOf } from './meters.js'

test('one set of instruments feeds every provider, each with its own readings', async () => {
  const readers = [1, 2].map(() => new PrometheusExporter({ preventServerStart: true }))
  const provider = meterProviderOf(readers.map(reader => new MeterProvider({ readers: [reader] })))
  const meter = provider.getMeter('test')
  meter.createCounter('counter').add(2, { of: 'a' })
  meter.createUpDownCounter('up_down').add(-3)
  meter.createGauge('gauge').record(4)
  meter.createHistogram('histogram').record(5)
  const alone = [
    meter.createObservableGauge('observed_gauge'),
    meter.createObservableCounter('observed_counter'),
    meter.createObservableUpDownCounter('observed_up_down'),
  ]
  let observed = 0
  const observeSeven = (result: { observe(value: number): void }): void => {
    observed += 1
    result.observe(7)
  }
  for (const one of alone) one.addCallback(observeSeven)
  const together = [meter.createObservableGauge('first'), meter.createObservableGauge('second')]
  const batch: Parameters<typeof meter.addBatchObservableCallback>[0] = result => {
    observed += 1
    for (const [index, one] of together.entries()) result.observe(one, index, { of: 'b' })
  }
  meter.addBatchObservableCallback(batch, together)
  const read = async (reader: PrometheusExporter): Promise<unknown> =>
    Object.fromEntries(
      (await reader.collect()).resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
        metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ value, attributes }) => [typeof value === 'number' ? value : value.sum, attributes]),
        ]),
      ),
    )
  const expected = {
    counter: [[2, { of: 'a' }]],
    up_down: [[-3, {}]],
    gauge: [[4, {}]],
    histogram: [[5, {}]],
    observed_gauge: [[7, {}]],
    observed_counter: [[7, {}]],
    observed_up_down: [[7, {}]],
    first: [[0, { of: 'b' }]],
    second: [[1, { of: 'b' }]],
  }
  for (const reader of readers) expect(await read(reader)).toEqual(expected)
  // An observable keeps its last value when nobody observes it.
  for (const one of alone) one.removeCallback(observeSeven)
  meter.removeBatchObservableCallback(batch, together)
  const before = observed
  for (const reader of readers) expect(await read(reader)).toEqual(expected)
  expect(observed).toBe(before)
})
