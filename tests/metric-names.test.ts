import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openTelemetry as ofAgentServer } from '@countersign/agent-server/otel'
import { openTelemetry as ofAuthServer } from '@countersign/auth-server/otel'
import { openTelemetry as ofResource } from '@countersign/resource/otel'
import { serverMetrics } from '@countersign/server/otel'
import { createNoopMeter, type Meter, type MeterProvider } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
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

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
}

test('the alert rules of the docs use metrics and labels that exist', () => {
  const text = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const [, yaml = ''] = /^## Metrics$[\s\S]*?^```yaml\n([\s\S]*?)^```$/m.exec(text) ?? []
  const { groups } = parse(yaml) as { readonly groups: ReadonlyArray<{ readonly rules: readonly Rule[] }> }
  const rules = groups.flatMap(group => group.rules)
  expect(rules).toHaveLength(4)
  const names = new Set(['up'])
  for (const made of Object.values(instruments()))
    for (const [name, kind] of made) {
      const base = name.replaceAll('.', '_')
      if (kind === 'createCounter') names.add(`${base}_total`)
      else if (kind === 'createObservableGauge') names.add(base)
      else for (const part of ['bucket', 'sum', 'count']) names.add(`${base}_${part}`)
    }
  const labels = new Set([
    'job',
    'le',
    ...[...page.matchAll(/`(aauth\.\w+)`/g)].map(([, name = '']) => name.replace('.', '_')),
  ])
  for (const { alert, expr } of rules) {
    const metrics = [...expr.matchAll(/\b[a-z]\w*_\w+(?=[[{ ]|$)|\bup(?=\{)/g)].map(([name]) => name)
    const used = metrics.filter(name => name !== 'histogram_quantile')
    expect(used.length, alert).toBeGreaterThan(0)
    for (const name of used) expect(names, alert).toContain(name)
    for (const [, label = ''] of expr.matchAll(/[{,](\w+)=/g)) expect(labels, alert).toContain(label)
  }
})
