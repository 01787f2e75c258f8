import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { agent } from './agent.js'
import { agentServer } from './agent-server.js'
import { audit } from './audit.js'
import { authServer } from './auth-server.js'
import { backup } from './backup.js'
import { bodies } from './bodies.js'
import { delegation } from './delegation.js'
import { discovery } from './discovery.js'
import { type Figures, pagesWithFigures, withFigures, withRun } from './figures.js'
import { gateway } from './gateway.js'
import { guard } from './guard.js'
import { httpsig } from './httpsig.js'
import { mcp } from './mcp.js'
import { mcpMemory } from './mcp-memory.js'
import { memory } from './memory.js'
import type { Bench, Result } from './result.js'
import { revocation } from './revocation.js'
import { scaling } from './scaling.js'
import { shares } from './shares.js'
import { soak } from './soak.js'

const benches: readonly Bench[] = [
  httpsig,
  discovery,
  agent,
  agentServer,
  authServer,
  guard,
  gateway,
  mcp,
  mcpMemory,
  bodies,
  shares,
  revocation,
  delegation,
  audit,
  backup,
  memory,
  scaling,
]

/** Run only where they are named: they take an hour. */
const long: readonly Bench[] = [soak]

function cells(row: Result): string[] {
  const budget = row.budget === undefined ? '' : `≤ ${row.budget.toFixed(2)}`
  return [
    row.id,
    String(row.inFlight),
    row.ratio.toFixed(2),
    budget,
    row.budget === undefined ? '' : row.ok ? 'ok' : 'MISSED',
    row.detail,
  ]
}

function table(results: readonly Result[]): string {
  const lines = [['what', 'in flight', 'ratio', 'budget', '', 'detail'], ...results.map(cells)]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map(line => line[column]?.length ?? 0))) ?? []
  return lines
    .map(line =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const figuresFile = `${root}/bench/figures.json`

/** Puts a run in the place of the last one, in bench/figures.json and on the pages. */
function writeFigures(name: string, results: readonly Result[], load: number): void {
  const run = {
    on: new Date().toISOString().slice(0, 10),
    runtime: `Node ${process.version.slice(1)}`,
    machine: `${cpus().length} processors, load ${load.toFixed(0)}`,
  }
  const figures = withRun(JSON.parse(readFileSync(figuresFile, 'utf8')) as Figures, name, run, results)
  writeFileSync(figuresFile, `${JSON.stringify(figures, undefined, 2)}\n`)
  for (const page of pagesWithFigures) {
    const text = readFileSync(`${root}/${page}`, 'utf8')
    writeFileSync(`${root}/${page}`, withFigures(text, figures))
  }
}

const options = {
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const all = [...benches, ...long]
const usage = `usage: npm run bench -- [NAME…] [options]

  --json    the results of one bench as JSON
  --write   puts the results into bench/figures.json and the pages that quote them
  --help    this text

NAME is one of ${all.map(({ name }) => name).join(', ')}.
Without a name all run but ${long.map(({ name }) => name).join(', ')}, which takes an hour.
Ends with 0 if every budget is kept, 1 if one is missed, 2 if it was called wrongly.`

/** @throws RangeError for a bench or an option that does not exist */
function chosenBy(args: readonly string[]) {
  try {
    const { values, positionals: names } = parseArgs({ args: [...args], options, allowPositionals: true })
    const unknown = names.find(name => !all.some(bench => bench.name === name))
    if (unknown !== undefined) throw new RangeError(`there is no bench ${unknown}`)
    const chosen = names.length === 0 ? benches : all.filter(({ name }) => names.includes(name))
    if (values.json && chosen.length !== 1) throw new RangeError('--json is for one bench')
    return { ...values, chosen }
  } catch (error) {
    throw new RangeError(`${(error as Error).message}\n\n${usage}`)
  }
}

async function main(args: readonly string[]): Promise<number> {
  const { json, write, help, chosen } = chosenBy(args)
  if (help) {
    console.log(usage)
    return 0
  }
  let kept = true
  for (const bench of chosen) {
    // Of the minute before: a bench makes a load of its own.
    const [load = 0] = loadavg()
    const results = await bench.run()
    if (write) writeFigures(bench.name, results, load)
    const runtime = `node ${process.version}, ${cpus().length} cores`
    console.log(
      json ? JSON.stringify({ name: bench.name, runtime, results }) : `${bench.name} (${runtime})\n${table(results)}`,
    )
    kept &&= results.every(row => row.ok)
  }
  return kept ? 0 : 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof RangeError)) throw error
  console.error(error.message)
  process.exitCode = 2
}
