import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { deployText } from './deploy.fixture.js'
import { root } from './processes.fixture.js'

// The alert rules of `deploy/monitoring`, and the readings of real servers that they are tested with.

/** One alert. */
export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/** The rules, by the name of their group. */
export function rules(): Readonly<Record<string, readonly Rule[]>> {
  const { groups } = parse(deployText('monitoring/rules.yaml'), { uniqueKeys: true }) as {
    readonly groups: ReadonlyArray<{ readonly name: string; readonly rules: readonly Rule[] }>
  }
  return Object.fromEntries(groups.map(group => [group.name, group.rules]))
}

/** A metric that a rule names, and what it asks of a label. */
export interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<{ readonly label: string; readonly how: string; readonly values: readonly string[] }>
}

/** The words of the query language in our rules. All others are metrics. */
const words = new Set(['increase', 'rate', 'sum', 'by', 'or', 'unless', 'offset', 'histogram_quantile'])

/** The metrics and labels that an expression names. */
export function selectorsOf(expr: string): Selector[] {
  const bare = expr.replaceAll(/\bby \([^)]*\)/g, '').replaceAll(/\[\w+\]|\boffset \w+/g, '')
  return [...bare.matchAll(/\b([a-z]\w*)(?:\{([^}]*)\})?/g)]
    .filter(([, word = '']) => !words.has(word))
    .map(([, metric = '', inside = '']) => ({
      metric,
      matchers: [...inside.matchAll(/(\w+)(=~|!=|=)"([^"]*)"/g)].map(([, label = '', how = '', value = '']) => ({
        label,
        how,
        values: how === '=~' ? value.split('|') : [value],
      })),
    }))
}

/** A reading of a server: series, as Prometheus names them, and their values. */
export type Reading = ReadonlyMap<string, number>

/** Reads the metrics port of a server, as the job `countersign`. */
export async function reading(port: number, instance: string): Promise<Reading> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const samples = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map([
    [named('up', instance), 1],
    ...samples.map((line): [string, number] => {
      const end = line.lastIndexOf(' ')
      return [named(line.slice(0, end), instance), Number(line.slice(end + 1).replace('Inf', 'Infinity'))]
    }),
  ])
}

function named(series: string, instance: string): string {
  const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(series) ?? []
  return `${name}{${labels}${labels === '' ? '' : ','}instance="${instance}",job="countersign"}`
}

/** The same reading with a higher value of series that it must have: for what cannot be caused here. */
export function raised(before: Reading, part: RegExp, by: number): Reading {
  const found = [...before].filter(([series]) => part.test(series))
  if (found.length === 0) throw new Error(`the server exports no ${part}`)
  return new Map([...before, ...found.map(([series, value]): [string, number] => [series, value + by])])
}

/** The labels of a series, without its name. */
export function labelsOf(series: string): Record<string, string> {
  return Object.fromEntries(
    [...series.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]),
  )
}

/** Whether `promtool` of Prometheus is there. */
export const promtoolIsThere: boolean = spawnSync('promtool', ['--version']).status === 0

/** An alert that must be raised, or not, by what happened between two readings. */
export interface AlertCase {
  readonly alert: string
  readonly before: Reading
  readonly after: Reading
  /** Minutes since what happened. Default: 1. */
  readonly minutes?: number
  /** It happens again each minute. */
  readonly goesOn?: boolean
  /** The labels with which it is raised; none: it is not raised. */
  readonly raised: ReadonlyArray<Readonly<Record<string, string>>>
}

/** Minutes for which the first reading stays. */
const quiet = 30

/**
 * Lets Prometheus evaluate the rules over two readings: the first for 30 minutes, in which no alert may be raised, then the second.
 * @returns what `promtool test rules` says, and nothing where all is as expected
 */
export function tested({ alert, before, after, minutes = 1, goesOn = false, raised: all }: AlertCase): string {
  const rule = Object.values(rules())
    .flat()
    .find(one => one.alert === alert)
  if (rule === undefined) throw new Error(`there is no alert ${alert}`)
  const read = new Set(selectorsOf(rule.expr).map(({ metric }) => metric))
  const series = [...new Set([...before.keys(), ...after.keys()])]
    .filter(name => read.has(name.slice(0, name.indexOf('{'))))
    .map(name => ({ series: name, values: valuesOf(before.get(name), after.get(name), goesOn) }))
  const expected = all.map(labels => ({
    exp_labels: { ...labels, ...rule.labels },
    exp_annotations: rule.annotations,
  }))
  const test = {
    rule_files: [join(root, 'deploy/monitoring/rules.yaml')],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: series,
        alert_rule_test: [
          { eval_time: `${quiet - 1}m`, alertname: alert, exp_alerts: [] },
          { eval_time: `${quiet + minutes}m`, alertname: alert, exp_alerts: expected },
        ],
      },
    ],
  }
  const folder = mkdtempSync(join(tmpdir(), 'countersign-alerts-'))
  try {
    const file = join(folder, 'test.yaml')
    writeFileSync(file, stringify(test))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })
    return status === 0 ? '' : `${stdout}${stderr}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Values a minute, as promtool expands them: `0+0x29`, since `0x29` is a hexadecimal number. */
function valuesOf(before: number | undefined, after: number | undefined, goesOn: boolean): string {
  const growth = goesOn && after !== undefined ? after - (before ?? 0) : 0
  return [
    before === undefined ? `_x${quiet}` : `${before}+0x${quiet - 1}`,
    after === undefined ? '_x60' : `${after}${growth < 0 ? '-' : '+'}${Math.abs(growth)}x60`,
  ].join(' ')
}
