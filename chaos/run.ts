import { parseArgs } from 'node:util'
import { runChaos } from './chaos-run.js'
import { catalogue, faultsNamed } from './faults/catalogue.js'
import { shown } from './report.js'
import { sabotages, sabotagesNamed } from './sabotage.js'

const usage = `usage: npm run chaos -- [--seed N] [--minutes M] [--faults a,b] [--redis single|cluster] [--history FILE] [--sabotage a,b|all] [--json] [--list]`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '3' },
      faults: { type: 'string' },
      redis: { type: 'string', default: 'single' },
      history: { type: 'string' },
      sabotage: { type: 'string' },
      json: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  })
  if (values.list) {
    for (const { name, what, away } of catalogue)
      console.log(`${name}: ${what}${away?.() === undefined ? '' : ` (skipped: ${away()})`}`)
    for (const { name, what, fails } of sabotages)
      console.log(`--sabotage ${name}: ${what}; must fail: ${fails.join(', ')}`)
    return 0
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  const minutes = Number(values.minutes)
  if (!Number.isSafeInteger(seed) || !(minutes >= 0)) throw new RangeError(usage)
  const redis = values.redis === 'cluster' ? 'cluster' : 'single'
  const chosen =
    values.faults === undefined ? catalogue : faultsNamed(values.faults.split(',').filter(name => name !== ''))
  const faults = chosen.filter(({ name, away, redis: of = redis }) => {
    if (of !== redis) return false
    const why = away?.()
    if (why !== undefined) console.error(`${name} is skipped: ${why}`)
    return why === undefined
  })
  console.error(`seed ${seed}`)
  const { history, sabotage } = values
  const names =
    sabotage === 'all' ? sabotages.map(({ name }) => name) : (sabotage ?? '').split(',').filter(name => name !== '')
  const broken = sabotagesNamed(names)
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
