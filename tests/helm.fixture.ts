import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { deployText } from './deploy.fixture.js'
import { root } from './processes.fixture.js'

// The part of Helm's templates that the chart uses: values, `if`, and four functions. Anything else is an error, so that the chart
// does not outgrow its test.

const chart = 'helm/countersign'

/** A file of the chart. */
export function chartText(name: string): string {
  return deployText(join(chart, name))
}

/** The templates of the chart, by file name. */
export function renderChart(context: object): Map<string, string> {
  const names = readdirSync(join(root, 'deploy', chart, 'templates'))
  return new Map(names.map(name => [name, render(chartText(join('templates', name)), context)]))
}

/** Expands one template. */
export function render(template: string, context: object): string {
  // `{{-` takes the white space before it away, `-}}` what is behind it.
  const parts = template
    .replace(/\s*\{\{- /g, '{{ ')
    .replace(/ -\}\}\s*/g, ' }}')
    .split(/(\{\{ .*? \}\})/)
  let text = ''
  const shown: boolean[] = []
  for (const part of parts) {
    const [, action] = /^\{\{ (.*) \}\}$/.exec(part) ?? []
    const isShown = shown.every(Boolean)
    if (action === undefined) text += isShown ? part : ''
    else if (action.startsWith('if ')) shown.push(isTrue(evaluate(action.slice(3), context)))
    else if (action === 'end') {
      if (shown.pop() === undefined) throw new Error('an end without its if')
    } else if (isShown) text += String(evaluate(action, context))
  }
  if (shown.length > 0) throw new Error('an if without its end')
  if (/\{\{|\}\}/.test(text)) throw new Error(`not a template of this subset: ${/.*(\{\{|\}\}).*/.exec(text)?.[0]}`)
  return text
}

/** What Go's templates take for true. */
function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)
}

/** `.Values.x | toYaml | nindent 4`. */
function evaluate(expression: string, context: object): unknown {
  const [path = '', ...filters] = expression.split(' | ')
  if (!/^(\.[A-Za-z]+)+$/.test(path)) throw new Error(`not a value: ${path}`)
  const value = path
    .slice(1)
    .split('.')
    .reduce<unknown>((found, member) => Object(found)[member], context)
  if (value === undefined) throw new Error(`there is no value ${path}`)
  return filters.reduce(apply, value)
}

function apply(value: unknown, filter: string): unknown {
  const [, indent] = /^nindent (\d+)$/.exec(filter) ?? []
  if (indent !== undefined) return `\n${String(value).replace(/^(?=.)/gm, ' '.repeat(Number(indent)))}`
  if (filter === 'quote') return JSON.stringify(String(value))
  if (filter === 'toYaml') return stringify(value, { lineWidth: 0 }).trimEnd()
  if (filter === 'sha256sum') return createHash('sha256').update(String(value)).digest('hex')
  throw new Error(`not a function of this subset: ${filter}`)
}
