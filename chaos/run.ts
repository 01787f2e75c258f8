import { parseArgs } from 'node:util'
import { shown } from './report.js'
import { sabotages, sabotagesNamed } from './sabotage.js'

const usage = `usage: npm run chaos -- [options]

  --seed N           makes the same faults in the same order again (default: a new one, which is printed)
  --minutes M        how long faults go on (default 3); 0: none, only the load
  --faults A,B       only these faults
  --redis KIND       single (default) or cluster
  --history FILE     writes what each client did and was told
  --sabotage A,B|all breaks promises on purpose: the run must fail
  --json             the report as JSON
  --list             all faults and sabotages
  --help             this text

Ends with 0 if every promise held, 1 if one did not, 2 if it could not run.`

const options = {
  seed: { type: 'string' },
  minutes: { type: 'string', default: '3' },
  faults: { type: 'string' },
  redis: { type: 'string', default: 'single' },
  history: { type: 'string' },
  sabotage: { type: 'string' },
  json: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** @throws RangeError for an option that does not exist */
function optionsGiven() {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new RangeError(`${(error as Error).message}\n\n${usage}`)
  }
}

async function main(): Promise<number> {
  const values = optionsGiven()
  if (values.help) {
    console.log(usage)
    return 0
  }
  const { catalogue, faultsNamed } = await import('./faults/catalogue.js')
  if (values.list) {
    for (const { name, what, away } of catalogue)
      console.log(`${name}: ${what}${away?.() === undefined ? '' : ` (skipped: ${away()})`}`)
    for (const { name, what, fails } of sabotages)
      console.log(`--sabotage ${name}: ${what}; must fail: ${fails.join(', ')}`)
    return 0
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const minutes = Number(values.minutes)
  const { redis } = values
  if (!Number.isSafeInteger(seed) || !(minutes >= 0) || (redis !== 'single' && redis !== 'cluster'))
    throw new RangeError(usage)
  const chosen =
    values.faults === undefined ? catalogue : faultsNamed(values.faults.split(',').filter(name => name !== ''))
  const faults = chosen.filter(({ name, away, redis: of = redis }) => {
    if (of !== redis) return false
    const why = away?.()
    if (why !== undefined) console.error(`${name} is skipped: ${why}`)
    return why === undefined
  })
  const { history, sabotage } = values
  const names =
    sabotage === 'all' ? sabotages.map(({ name }) => name) : (sabotage ?? '').split(',').filter(name => name !== '')
  const broken = sabotagesNamed(names)
  const { runChaos } = await import('./chaos-run.js')
  console.error(`seed ${seed}`)
  const report = await runChaos({
    seed,
    minutes,
    faults,
    redis,
    history,
    sabotages: broken,
    say: line => console.error(line),
  })
  console.log(values.json ? JSON.stringify(report) : shown(report))
  return report.violations.length === 0 ? 0 : 1
}

// So that the servers of the rig, which are killed when this process exits, go with it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
process.setMaxListeners(100)

try {
  process.exit(await main())
} catch (error) {
  console.error(error instanceof RangeError ? error.message : error)
  process.exit(2)
}
