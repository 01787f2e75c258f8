import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { rigAway } from '@countersign/testing/rig/program'
import { type Bench, type Result, result } from './result.js'
import type { InstancesPoint, ScalingConstants } from './scaling/constants.js'
import { measureScaling } from './scaling/measure-scaling.js'
import { withTables } from './scaling/tables.js'
import { at } from './signed-requests.js'

const sizes = [1000, 100_000, 1_000_000]
const file = fileURLToPath(new URL('../scaling/constants.json', import.meta.url))
const page = fileURLToPath(new URL('../../docs/scaling.md', import.meta.url))

/**
 * What operations cost on a PostgreSQL and a Redis of their own: CPU, statements, round trips, bytes; as grants and instances become
 * more. With `--write` the figures of docs/scaling.md become those of this run; with `--ten-million` there are 10⁷ grants, too.
 */
export const scaling: Bench = {
  name: 'scaling',
  async run() {
    const why = rigAway('postgres', 'redis-server')
    if (why !== '') throw new Error(`the bench needs programs that are not here${why}`)
    const flags = process.argv.slice(2)
    const constants = await measureScaling(flags.includes('--ten-million') ? [...sizes, 10_000_000] : sizes)
    if (flags.includes('--write')) {
      writeFileSync(file, `${JSON.stringify(constants, undefined, 2)}\n`)
      writeFileSync(page, withTables(readFileSync(page, 'utf8'), constants))
    }
    return rowsOf(constants)
  },
}

function rowsOf({ sizes: points, instances, operations }: ScalingConstants): Result[] {
  const few = at(points, 0)
  const sizeRows = points.slice(1).flatMap(({ grants, direct, refresh }) => {
    const ratio = (name: 'direct' | 'refresh', of: typeof direct): number =>
      (of.instance + of.database) / (few[name].instance + few[name].database)
    const row = (name: 'direct' | 'refresh', of: typeof direct): Result =>
      result({
        id: `${name} at ${grants.toExponential(0)} grants × at 10³, CPU`,
        inFlight: 16,
        ratio: ratio(name, of),
        budget: 1.2,
        detail: 'instance and PostgreSQL',
      })
    return [row('direct', direct), row('refresh', refresh)]
  })
  const [one, three] = [at(instances, 0), at(instances, 1)]
  const { direct } = operations
  return [
    ...sizeRows,
    result({
      id: 'one instance × three of equal CPU, time between two',
      inFlight: 48,
      ratio: 1 / speedUp(one, three),
      budget: 1 / 2.6,
      detail: `by statements of a direct grant; CPU of an instance ${ratioText(one, three)}`,
    }),
    result({
      id: 'direct grant, CPU of PostgreSQL × of the instance',
      inFlight: 16,
      ratio: direct.database / direct.instance,
      detail: `${direct.statements} statements, ${direct.redisCommands} to Redis; ${cpus().length} cores`,
    }),
  ]
}

/** How much more three instances do: nothing is lost but statements that are run again, after a lost race. */
function speedUp(one: InstancesPoint, three: InstancesPoint): number {
  return (three.instances * one.statements) / three.statements
}

const ratioText = (one: InstancesPoint, three: InstancesPoint): string =>
  `× ${(three.instance / one.instance).toFixed(2)} with three, of PostgreSQL × ${(three.database / one.database).toFixed(2)}`
