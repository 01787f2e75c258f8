import type { Result } from './result.js'

// What the benches measured last: bench/figures.json, from which the pages take their figures.

/** A row of a bench as it was measured last. */
export interface Figure {
  readonly id: string
  readonly inFlight: number
  readonly ratio: number
  /** The most `ratio` may be. */
  readonly budget?: number
  /** Of what `ratio` is a multiple, or its unit. */
  readonly unit: string
}

/** One run of a bench. */
export interface Measured {
  /** The day, as `2026-12-01`. */
  readonly on: string
  readonly runtime: string
  readonly machine: string
  readonly rows: readonly Figure[]
}

/** The last run of each bench, by its name. */
export type Figures = Readonly<Record<string, Measured>>

/** The figures with a new run of one bench in the place of the last one. */
export function withRun(
  figures: Figures,
  name: string,
  run: Omit<Measured, 'rows'>,
  results: readonly Result[],
): Figures {
  const rows = results.map(({ id, inFlight, ratio, budget, detail }) => ({
    id,
    inFlight,
    ratio,
    ...(budget === undefined ? {} : { budget }),
    unit: detail.replace(/;.*/s, ''),
  }))
  return { ...figures, [name]: { ...run, rows } }
}

/** The pages that take figures from the file, in places such as `<!-- figures: budgets -->…<!-- end -->`. */
export const pagesWithFigures = [
  'README.md',
  'bench/README.md',
  'docs/scaling.md',
  'packages/httpsig/README.md',
] as const

/**
 * A page with its figures filled in. `budgets` is a table of all rows with a budget, `missed` the benches that miss one,
 * and `ratio BENCH/ROW/IN FLIGHT` one figure with its budget.
 * @throws RangeError for a place that names no figure
 */
export function withFigures(page: string, figures: Figures): string {
  return page.replaceAll(
    /(<!-- figures: ([^>]+?) -->)[\s\S]*?(<!-- end -->)/g,
    (_, head: string, place: string, tail: string) => {
      if (place === 'budgets') return `${head}\n${budgetTable(figures)}\n${tail}`
      return `${head}${place === 'missed' ? missedText(figures) : figureText(place, figures)}${tail}`
    },
  )
}

/** Whether a row has a budget and is over it. */
export function isMissed({ ratio, budget }: Figure): boolean {
  return budget !== undefined && ratio > budget
}

function budgetTable(figures: Figures): string {
  const rows = Object.entries(figures).flatMap(([name, { on, runtime, machine, rows: all }]) =>
    all
      .filter(({ budget }) => budget !== undefined)
      .map(row => {
        const { id, inFlight, ratio, budget, unit } = row
        const cells = [
          name,
          id,
          String(inFlight),
          shown(ratio),
          shown(budget ?? 0),
          isMissed(row) ? '**missed**' : 'met',
        ]
        return `| ${[...cells, unit, `${on}, ${runtime}, ${machine}`].join(' | ')} |`
      }),
  )
  return [
    '| bench | what | in flight | measured | budget | | unit | when, where |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function missedText(figures: Figures): string {
  const missing = Object.entries(figures).flatMap(([name, { rows }]) => (rows.some(isMissed) ? [`\`${name}\``] : []))
  return missing.length === 0 ? 'every bench meets its budgets' : `over a budget are ${missing.join(', ')}`
}

function figureText(place: string, figures: Figures): string {
  const [, name = '', id = '', inFlight = ''] = /^ratio ([\w-]+)\/(.+)\/(\d+)$/.exec(place) ?? []
  const row = figures[name]?.rows.find(each => each.id === id && each.inFlight === Number(inFlight))
  if (row === undefined) throw new RangeError(`there is no figure ${place}`)
  const { ratio, budget } = row
  return budget === undefined
    ? shown(ratio)
    : `${shown(ratio)} (budget ${shown(budget)}${isMissed(row) ? ', missed' : ''})`
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2)
}
