import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { printedHere } from './deploy.fixture.js'
import { chartText, render, renderChart } from './helm.fixture.js'
import { root } from './processes.fixture.js'

// The Helm chart: its values, and the objects that it makes of them, checked by the types that Kubernetes publishes.

const values = parse(chartText('values.yaml'))
const context = { Release: { Name: 'auth' }, Values: values }

/** The objects of the chart, by kind. */
function objects(changed: object = {}): Map<string, Record<string, unknown>> {
  const made = [...renderChart({ ...context, Values: { ...values, ...changed } }).values()]
    .map(text => parse(text))
    // A file that makes nothing with these values.
    .filter(one => one !== null)
  return new Map(made.map(one => [one.kind, one]))
}

const kinds = [
  ['Deployment', 'apps/v1'],
  ['Service', 'core/v1'],
  ['ConfigMap', 'core/v1'],
  ['PodDisruptionBudget', 'policy/v1'],
  ['NetworkPolicy', 'networking/v1'],
] as const

describe('values.schema.json', () => {
  const validate = new Ajv({ strict: false }).compile(JSON.parse(chartText('values.schema.json')))

  test('takes values.yaml, and refuses what is misspelt or unsafe', () => {
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...values, replicas: 1, firstStart: true })).toBe(true)
    for (const wrong of [
      { replica: 3 },
      { server: 'authserver' },
      { replicas: 0 },
      { resources: { limit: {} } },
      { networkPolicy: { from: [], to: [] } },
      // Anyone could read the metrics.
      { metrics: { ...values.metrics, from: [] } },
      { metrics: { ...values.metrics, port: 8443 } },
      { metrics: { ...values.metrics, serviceMonitor: true, port: 0 } },
      // It would not be the port that Prometheus is told.
      { config: { ...values.config, metricsPort: 9000 } },
      // Two first starts at once: the second finds the first.
      { firstStart: true },
      { config: { ...values.config, id: 'http://auth.example' } },
      // A ConfigMap is no place for a password.
      { config: { ...values.config, database: 'postgres://user:password@host/db' } },
    ])
      expect(validate({ ...values, ...wrong }), JSON.stringify(wrong)).toBe(false)
  })

  test('leaves the configuration itself to the server, which takes that of values.yaml', async () => {
    const { out } = await printedHere(['schema', values.server])
    const ofServer = new Ajv2020({ strict: false, validateFormats: false }).compile(JSON.parse(out))
    expect(ofServer(values.config), JSON.stringify(ofServer.errors)).toBe(true)
    const [mounted] = Object.values(Object(objects().get('ConfigMap')?.['data']))
    expect(parse(String(mounted))).toEqual(values.config)
  })
})

test('what the chart makes are objects of Kubernetes, and a misspelt member is noticed', async () => {
  const folder = join(root, 'node_modules/.cache/countersign/chart')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const write = (name: string, made: ReturnType<typeof objects>): void => {
    const typed = kinds.map(
      ([kind, group]) =>
        `export const a${kind}: import('kubernetes-types/${group}').${kind} = ${JSON.stringify(made.get(kind), null, 1)}\n`,
    )
    writeFileSync(join(folder, name), typed.join(''))
  }
  write('plain.ts', objects())
  write('first.ts', objects({ replicas: 1, firstStart: true }))
  write(
    'gateway.ts',
    objects({
      server: 'gateway',
      databaseSecret: '',
      networkPolicy: { ...values.networkPolicy, to: [] },
      metrics: { ...values.metrics, port: 0 },
    }),
  )
  write('misspelt.ts', objects({ resources: { limit: { memory: '1Gi' } } }))
  const module = { module: 'esnext', moduleResolution: 'bundler' }
  const compilerOptions = { ...module, strict: true, noEmit: true, skipLibCheck: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const output = await new Promise<string>(resolve => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    execFile(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], { cwd: folder }, (_, out) => resolve(out))
  })
  const faults = output.split('\n').filter(line => line.includes(': error '))
  expect(faults).toEqual([expect.stringMatching(/^misspelt\.ts\(\d+,\d+\): error .*"limit"/)])
})

describe('the Deployment', () => {
  const pod = (changed: object = {}) => Object(objects(changed).get('Deployment')).spec.template.spec
  const [container] = pod().containers

  test('runs two replicas, as nobody in particular, who may write to its volumes only', () => {
    expect(Object(objects().get('Deployment')).spec.replicas).toBe(2)
    expect(pod()).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  })

  test('starts the command with the mounted configuration, and with --init at its first start only', () => {
    const silent = { metrics: { ...values.metrics, port: 0 } }
    const argsOf = (changed: object) => pod({ ...silent, ...changed }).containers[0].args
    const args = ['auth-server', '--config', '/etc/countersign/config.yaml']
    expect(argsOf({})).toEqual(args)
    expect(argsOf({ firstStart: true, replicas: 1 })).toEqual([...args, '--init'])
    expect(container.env).toEqual([
      { name: 'COUNTERSIGN_DATABASE', valueFrom: { secretKeyRef: { name: 'countersign-database', key: 'database' } } },
    ])
    expect(pod({ server: 'gateway', databaseSecret: '' }).containers[0]).not.toHaveProperty('env')
  })

  test('is ready when the server is, and is not restarted because a database is away', () => {
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' })
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http' })
    expect(container.ports[0]).toEqual({ name: 'http', containerPort: values.config.port, protocol: 'TCP' })
    // preStop, then up to 10 seconds for requests under way.
    expect(pod().terminationGracePeriodSeconds).toBeGreaterThan(container.lifecycle.preStop.sleep.seconds + 10)
  })

  test('is replaced when its configuration changes', () => {
    const sum = (changed: object = {}) =>
      Object(objects(changed).get('Deployment')).spec.template.metadata.annotations['checksum/config']
    expect(sum()).toMatch(/^[0-9a-f]{64}$/)
    expect(sum({ config: { ...values.config, id: 'https://other.example' } })).not.toBe(sum())
    expect(sum({ replicas: 3 })).toBe(sum())
  })
})

describe('metrics', () => {
  const specOf = (kind: string, changed: object = {}) => Object(objects(changed).get(kind)).spec

  test('have a port of their own, which the server opens and Prometheus finds', () => {
    const { metadata, spec } = specOf('Deployment').template
    const [container] = spec.containers
    expect(container.args.slice(-4)).toEqual(['--metrics-port', '9464', '--metrics-host', '0.0.0.0'])
    expect(container.ports[1]).toEqual({ name: 'metrics', containerPort: 9464, protocol: 'TCP' })
    expect(metadata.annotations).toMatchObject({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9464' })
    expect(specOf('Service').ports[1]).toEqual({ name: 'metrics', port: 9464, targetPort: 'metrics', protocol: 'TCP' })
  })

  test('are read from where Prometheus is, and callers of the server do not reach them', () => {
    const [callers, readers, ...more] = specOf('NetworkPolicy').ingress
    expect(more).toEqual([])
    expect(callers).toEqual({ from: values.networkPolicy.from, ports: [{ protocol: 'TCP', port: 'http' }] })
    expect(readers).toEqual({ from: values.metrics.from, ports: [{ protocol: 'TCP', port: 'metrics' }] })
  })

  test('have a ServiceMonitor where the Prometheus operator is', () => {
    expect(objects().has('ServiceMonitor')).toBe(false)
    const { selector, endpoints, jobLabel } = specOf('ServiceMonitor', {
      metrics: { ...values.metrics, serviceMonitor: true },
    })
    expect(endpoints).toEqual([{ port: 'metrics', path: '/metrics' }])
    const { labels } = Object(objects().get('Service')).metadata
    expect(labels).toMatchObject(selector.matchLabels)
    expect(labels[jobLabel]).toBe('countersign')
  })

  test('leave no trace without a port', () => {
    const silent = { metrics: { ...values.metrics, port: 0 } }
    const [container] = specOf('Deployment', silent).template.spec.containers
    expect(container.args).not.toContain('--metrics-port')
    expect([container.ports.length, specOf('Service', silent).ports.length]).toEqual([1, 1])
    expect(specOf('NetworkPolicy', silent).ingress).toHaveLength(1)
    expect(specOf('Deployment', silent).template.metadata.annotations).not.toHaveProperty(['prometheus.io/scrape'])
  })
})

test('all objects select the same pods', () => {
  const labels = { 'app.kubernetes.io/name': 'countersign', 'app.kubernetes.io/instance': 'auth' }
  const specOf = (kind: string) => Object(objects().get(kind)).spec
  expect(specOf('Deployment').selector.matchLabels).toEqual(labels)
  expect(specOf('Deployment').template.metadata.labels).toMatchObject(labels)
  expect(specOf('Service').selector).toEqual(labels)
  expect(specOf('PodDisruptionBudget').selector.matchLabels).toEqual(labels)
  expect(specOf('NetworkPolicy').podSelector.matchLabels).toEqual(labels)
})

test('the renderer takes the subset that the chart uses, and nothing else', () => {
  const inside = { Values: { on: true, off: false, none: [], list: [1, { a: 'b' }], text: 'a "b"' } }
  expect(render('x: {{ .Values.text | quote }}', inside)).toBe('x: "a \\"b\\""')
  expect(render('x:\n  {{- .Values.list | toYaml | nindent 2 }}\n', inside)).toBe('x:\n  - 1\n  - a: b\n')
  expect(render('a\n{{- if .Values.on }}\nb\n{{- end }}\n', inside)).toBe('a\nb\n')
  expect(render('a\n{{- if .Values.none }}\nb\n{{- end }}\n', inside)).toBe('a\n')
  for (const wrong of [
    '{{ .Values.missing }}',
    '{{ include "x" . }}',
    '{{ .Values.on | upper }}',
    '{{ if .Values.on }}',
    '{{x',
  ])
    expect(() => render(wrong, inside), wrong).toThrow()
})
