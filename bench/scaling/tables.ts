import type { InstancesPoint, OperationCost, OperationName, ScalingConstants } from './constants.js'
import { type Demand, type Plan, planOf } from './model.js'

/** The demands of the page. */
export const demands: readonly Demand[] = [
  { delegates: 1e3, requests: 1e1 },
  { delegates: 1e5, requests: 1e3 },
  { delegates: 1e6, requests: 1e4 },
  { delegates: 1e7, requests: 1e5 },
  { delegates: 1e9, requests: 1e6 },
]

/** The generated parts of docs/scaling.md, by name. */
export function tablesOf(constants: ScalingConstants): Readonly<Record<string, string>> {
  return {
    measured: measured(constants),
    costs: costs(constants),
    sizes: sizes(constants),
    instances: instances(constants),
    plans: plans(constants),
  }
}

/** Puts the tables between the marks of a page, such as `<!-- table: costs -->` and `<!-- end -->`. */
export function withTables(page: string, constants: ScalingConstants): string {
  const tables = tablesOf(constants)
  return page.replace(
    /(<!-- table: (\w+) -->\n)(?:(?!<!-- )[^\n]*\n)*(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => `${begin}${tables[name] ?? ''}\n${end}`,
  )
}

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function measured({ measured: m }: ScalingConstants): string {
  return `Measured on ${m.on}: ${m.runtime}, PostgreSQL ${m.postgres}, Redis ${m.redis}, 2 processors, load ${m.load}.`
}

const operationNames: Readonly<Record<OperationName, string>> = {
  guarded: 'authorized GET at a resource',
  direct: 'direct grant',
  refresh: 'refresh',
  revoke: 'revocation by the agent',
  renewal: 'renewal of an agent token',
}

function costs({ operations }: ScalingConstants): string {
  const row = ([name, text]: [string, string]): string[] => {
    const cost = operations[name as OperationName]
    return [
      text,
      micro(cost.instance),
      micro(cost.database),
      micro(cost.redis),
      `${Math.round(cost.statements)}, ${Math.round(cost.roundTrips)}`,
      String(Math.round(cost.redisCommands)),
      String(Math.round(cost.log)),
      `${Math.round(cost.databaseSent)}, ${Math.round(cost.databaseReceived)}`,
    ]
  }
  const head = [
    '',
    'CPU of the server, µs',
    'of PostgreSQL',
    'of Redis',
    'SQL statements, round trips',
    'Redis commands',
  ]
  return table([...head, 'bytes of log', 'bytes to, from PostgreSQL'], Object.entries(operationNames).map(row))
}

function sizes({ sizes: points }: ScalingConstants): string {
  const [few] = points
  const times = (of: Two, base: Two | undefined): string =>
    `${micro(of.instance + of.database)}, × ${((of.instance + of.database) / sum(base)).toFixed(2)}`
  return table(
    [
      'grants',
      'bytes on the disk for each',
      'direct grant, CPU of server and PostgreSQL, µs, × at 10³',
      'refresh, likewise',
    ],
    points.map(({ grants, bytesPerGrant, direct, refresh }) => [
      power(grants),
      String(bytesPerGrant),
      times(direct, few?.direct),
      times(refresh, few?.refresh),
    ]),
  )
}

type Two = Pick<OperationCost, 'instance' | 'database'>

const sum = (of: Two | undefined): number => (of === undefined ? Number.NaN : of.instance + of.database)

function instances({ instances: points }: ScalingConstants): string {
  const [one] = points
  const head = ['instances', 'statements of a direct grant', 'round trips', 'bytes of log', 'CPU of the server, µs']
  const times = (point: InstancesPoint, of: 'statements' | 'instance'): string =>
    ((point.instances * (one?.[of] ?? 0)) / point[of]).toFixed(2)
  return table(
    [...head, 'of PostgreSQL, µs', 'grants in a time × one instance, by statements, by CPU of the server'],
    points.map(point => [
      String(point.instances),
      point.statements.toFixed(2),
      point.roundTrips.toFixed(2),
      String(Math.round(point.log)),
      micro(point.instance),
      micro(point.database),
      `${times(point, 'statements')}, ${times(point, 'instance')}`,
    ]),
  )
}

function plans(constants: ScalingConstants): string {
  const row = (demand: Demand): string[] => {
    const plan = planOf(demand, constants)
    const { resource, issuer, database, redis } = plan.deployment
    return [
      `${power(demand.delegates)}, ${power(demand.requests)}/s`,
      `${number(plan.rates.refresh)}, ${number(plan.rates.renewal)}, ${number(plan.rates.direct)}`,
      number(resource),
      number(issuer),
      `${number(database)}, ${percent(plan.busy.database)}`,
      `${number(redis)}, ${percent(plan.busy.redis)}`,
      size(plan.bytes),
      `${milli(plan.seconds.guarded)}, ${milli(plan.seconds.refresh)}`,
      nextOf(plan),
    ]
  }
  const head = [
    'delegates, requests',
    'refreshes, renewals, grants in a second',
    'resource processes',
    'auth and agent processes',
  ]
  return table(
    [
      ...head,
      'primaries, busy',
      'Redis shards, busy',
      'rows on disk',
      'a request, a refresh, ms',
      'what one unit no longer holds',
    ],
    demands.map(row),
  )
}

/** The limits that one unit of a kind has passed. */
function nextOf({ primaries, deployment }: Plan): string {
  const passed = [
    primaries.cpu > 1 && `CPU of one primary: ${primaries.cpu} partitions`,
    primaries.log > 1 && `log of one primary: ${primaries.log} partitions`,
    primaries.bytes > 1 && `disk of one primary: ${primaries.bytes} partitions`,
    deployment.redis > 1 && 'one Redis: Redis Cluster',
    deployment.issuer > 1 && 'one process: `--workers`, instances',
  ].filter(one => one !== false)
  return passed.length === 0 ? 'nothing' : passed.join('; ')
}

const micro = (value: number): string => String(Math.round(value))
const milli = (seconds: number): string => (seconds * 1000).toFixed(1)
const percent = (part: number): string => `${(part * 100).toFixed(part < 0.01 ? 2 : 0)} %`
const number = (value: number): string =>
  value < 10 && !Number.isInteger(value) ? value.toFixed(2) : String(Math.round(value))

function power(value: number): string {
  const digits = '⁰¹²³⁴⁵⁶⁷⁸⁹'
  return `10${[...String(Math.round(Math.log10(value)))].map(digit => [...digits][Number(digit)]).join('')}`
}

function size(bytes: number): string {
  const steps = ['B', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** step).toFixed(1)} ${steps[step]}`
}
