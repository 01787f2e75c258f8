import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTelemetry as ofAgentServer } from '@countersign/agent-server/otel'
import { openTelemetry as ofAuthServer } from '@countersign/auth-server/otel'
import { openTelemetry as ofResource } from '@countersign/resource/otel'
import { serverMetrics } from '@countersign/server/otel'
import { createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// The names of metrics are an interface: operators' dashboards and alerts are made of them.

const page = readFileSync(join(root, 'docs/telemetry.md'), 'utf8')

/** The names in the first column of a section's table. */
function documented(heading: string): Set<string> {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell)
  return new Set(cells.flatMap(cell => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name)))
}

/** A meter provider that notes the instruments, as Prometheus names them. */
function noting(): { readonly meterProvider: MeterProvider; readonly made: Map<string, string> } {
  const made = new Map<string, string>()
  const noop = createNoopMeter()
  const note = <K extends 'createCounter' | 'createHistogram' | 'createObservableGauge'>(kind: K) =>
    ((name: string, options?: object) => {
      made.set(name, kind)
      return noop[kind](name, options)
    }) as (typeof noop)[K]
  const meter: Meter = Object.assign(Object.create(noop), {
    createCounter: note('createCounter'),
    createHistogram: note('createHistogram'),
    createObservableGauge: note('createObservableGauge'),
  })
  return { made, meterProvider: { getMeter: () => meter } }
}

/** What each part makes. */
function instruments() {
  const [resource, auth, agent, server] = [noting(), noting(), noting(), noting()]
  ofResource({ meterProvider: resource.meterProvider }).token('hit')
  const load = (): Promise<never> => Promise.reject(new Error('not asked'))
  ofAuthServer({ meterProvider: auth.meterProvider }).opened(load)
  ofAgentServer({ meterProvider: agent.meterProvider }).opened(load)
  serverMetrics({ meterProvider: server.meterProvider, running: { state: load }, name: 'test', version: '1.0.0' })
  return { resource: resource.made, auth: auth.made, agent: agent.made, server: server.made }
}

test('each metric of each server is documented, and no other', () => {
  const { resource, auth, agent, server } = instruments()
  expect(new Set(resource.keys())).toEqual(documented('Metrics of a resource and the gateway'))
  expect(new Set(auth.keys())).toEqual(documented('Metrics of an auth server'))
  expect(new Set(agent.keys())).toEqual(documented('Metrics of an agent server'))
  expect(new Set(server.keys())).toEqual(documented('Metrics of every server and its process'))
})
