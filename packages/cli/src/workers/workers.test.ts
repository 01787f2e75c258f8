import { availableParallelism } from 'node:os'
import { UsageError } from '@countersign/fetch/internal'
import { describe, expect, test } from 'vitest'
import { inTurns } from './in-turns.js'
import { mergeMetrics } from './merge-metrics.js'
import { replaceSettings } from './replace-settings.js'
import { restartPace } from './restart-pace.js'
import { checkWorkers, workerCount } from './worker-count.js'

const postgres = 'postgres://127.0.0.1/auth'
const replay = 'redis://127.0.0.1:6379'

describe('several workers', () => {
  test('need a database and a replay set that they can share', () => {
    expect(() => checkWorkers(2, { database: 'sqlite:auth.db', replay })).toThrow(
      new UsageError(
        '--workers 2 needs PostgreSQL (--database postgres://…): SQLite takes the writes of one process at a time',
      ),
    )
    expect(() => checkWorkers(2, { database: 'sqlite::memory:', replay })).toThrow(UsageError)
    expect(() => checkWorkers(2, { database: postgres })).toThrow(/needs --replay redis:/)
    expect(() => checkWorkers(2, { database: postgres, replay })).not.toThrow()
    expect(() => checkWorkers(1, { database: 'sqlite:auth.db' })).not.toThrow()
  })

  test('are one by default, and with auto one a processor', () => {
    expect([workerCount({}), workerCount({ workers: 3 })]).toEqual([1, 3])
    expect(workerCount({ workers: 'auto' })).toBe(availableParallelism())
  })
})

describe('the metrics of workers', () => {
  const first = [
    '# HELP a_total counts',
    '# TYPE a_total counter',
    'a_total{kind="x"} 1 1700000000000',
    'a_total 2',
    '# HELP b value with "quotes" and {braces}',
    '# TYPE b gauge',
    'b{} 3',
    '',
  ].join('\n')

  test('stand together by name, each described once and labelled by its worker', () => {
    const second = '# HELP a_total counts\n# TYPE a_total counter\na_total{kind="{y}"} 5\n'
    expect(
      mergeMetrics([
        [1, first],
        [2, second],
      ]),
    ).toEqual([
      '# HELP a_total counts',
      '# TYPE a_total counter',
      'a_total{worker="1",kind="x"} 1 1700000000000',
      'a_total{worker="1"} 2',
      'a_total{worker="2",kind="{y}"} 5',
      '# HELP b value with "quotes" and {braces}',
      '# TYPE b gauge',
      'b{worker="1"} 3',
    ])
  })

  test('are none where no worker answers', () => {
    expect(mergeMetrics([])).toEqual([])
  })
})

describe('a worker that has ended', () => {
  test('is replaced at once, then after a second, twice as long each time, at most 30 s, and at once after a minute of work', () => {
    let now = 0
    const pace = restartPace(() => now)
    const waits = Array.from({ length: 8 }, () => {
      pace.ready()
      now += 59_999
      return pace.next()
    })
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    pace.ready()
    now += 60_000
    expect([pace.next(), pace.next()]).toEqual([0, 1000])
  })
})

describe('other settings', () => {
  /** A worker that notes its orders, and refuses those of one kind. */
  const worker = (orders: string[], refuses = '') => ({
    async ask({ kind }: { kind: string }): Promise<string> {
      orders.push(kind)
      if (kind === refuses) throw new UsageError('wrong settings')
      return ''
    },
    kill: (signal: string) => void orders.push(signal),
  })

  test('are used once every worker has opened them', async () => {
    const orders: string[] = []
    await replaceSettings([worker(orders), worker(orders)], {})
    expect(orders).toEqual(['prepare', 'prepare', 'commit', 'commit'])
  })

  test('are used by no worker where one refuses them', async () => {
    const [good, bad]: [string[], string[]] = [[], []]
    await expect(replaceSettings([worker(good), worker(bad, 'prepare')], {})).rejects.toThrow('wrong settings')
    expect([good, bad]).toEqual([
      ['prepare', 'abort'],
      ['prepare', 'abort'],
    ])
  })

  test('end a worker that does not take them when the others do', async () => {
    const [good, bad]: [string[], string[]] = [[], []]
    await replaceSettings([worker(good), worker(bad, 'commit')], {})
    expect([good, bad]).toEqual([
      ['prepare', 'commit'],
      ['prepare', 'commit', 'SIGKILL'],
    ])
  })
})

test('acts in turns run one after the other, also after one that failed', async () => {
  const inTurn = inTurns()
  const told: string[] = []
  const act = (name: string) => async (): Promise<void> => {
    told.push(`${name} begins`)
    await new Promise(resolve => setImmediate(resolve))
    told.push(`${name} ends`)
    if (name === 'one') throw new Error('no')
  }
  const [one, two] = await Promise.allSettled([inTurn(act('one')), inTurn(act('two'))])
  expect([one.status, two.status]).toEqual(['rejected', 'fulfilled'])
  expect(told).toEqual(['one begins', 'one ends', 'two begins', 'two ends'])
})
