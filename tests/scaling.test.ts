import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ScalingConstants } from '../bench/scaling/constants.js'
import { messageTypes } from '../bench/scaling/counting-way.js'
import { eventQueue } from '../bench/scaling/event-queue.js'
import { planOf, ratesOf, stations, units, visitsOf, waitingOf } from '../bench/scaling/model.js'
import { simulate } from '../bench/scaling/simulation.js'
import { demands, withTables } from '../bench/scaling/tables.js'
import { root } from './processes.fixture.js'

// docs/scaling.md: its tables are those of the measured constants, and its model agrees with a simulation.

const constants: ScalingConstants = JSON.parse(readFileSync(join(root, 'bench/scaling/constants.json'), 'utf8'))

/** How far model and simulation may be apart. The page says so. */
const tolerance = { busy: 0.08, seconds: 0.1 }
const page = readFileSync(join(root, 'docs/scaling.md'), 'utf8')

test('the tables of the page are made from the measured constants', () => {
  expect(page.match(/<!-- table: \w+ -->/g)).toHaveLength(5)
  expect(withTables(page, constants)).toBe(page)
  const changed = { ...constants, bytesPerDelegate: constants.bytesPerDelegate * 10 }
  expect(withTables(page, changed)).not.toBe(page)
})

test('the page says how far model and simulation may be apart', () => {
  expect(page).toContain(
    `${tolerance.busy * 100} % of how busy a unit is, and ${tolerance.seconds * 100} % of a mean time`,
  )
})

describe.each(demands)('with $delegates delegates and $requests requests a second', demand => {
  const plan = planOf(demand, constants)
  const seen = simulate(plan, constants, { requests: 150_000, seed: 7 })

  test('no unit works more than planned', () => {
    for (const station of stations) expect(plan.busy[station], station).toBeLessThanOrEqual(units.planned)
  })

  test('a simulation finds the units as busy, and operations as slow, as the model says', () => {
    for (const station of stations) {
      const off = Math.abs(seen.busy[station] - plan.busy[station])
      // Of a unit that nearly always waits, chance decides what a short simulation sees.
      expect(off, station).toBeLessThanOrEqual(Math.max(0.003, plan.busy[station] * tolerance.busy))
    }
    for (const name of ['guarded', 'refresh'] as const)
      expect(Math.abs(seen.seconds[name] / plan.seconds[name] - 1), name).toBeLessThanOrEqual(tolerance.seconds)
  })

  test('one unit less of what there are several of would be too few', () => {
    for (const station of ['resource', 'issuer', 'redis'] as const) {
      const count = plan.deployment[station]
      if (count > 1) expect((plan.busy[station] * count) / (count - 1), station).toBeGreaterThan(units.planned)
    }
  })
})

describe('the model', () => {
  test('knows the waits of a queue with one server, and of one with many', () => {
    // M/M/1: ρ / (1 - ρ) services.
    expect(waitingOf(0.5, 1)).toBeCloseTo(1, 10)
    expect(waitingOf(0.9, 1)).toBeCloseTo(9, 8)
    // M/M/2 at half load: Erlang's C is a third.
    expect(waitingOf(0.5, 2)).toBeCloseTo(1 / 3, 10)
    expect(waitingOf(0, 16)).toBe(0)
    expect(waitingOf(0.6, 1000)).toBeLessThan(1e-9)
  })

  test('has no delegates call more often than they do', () => {
    expect(ratesOf({ delegates: 1e9, requests: 600 })).toMatchObject({ guarded: 600, refresh: 10 })
    expect(ratesOf({ delegates: 600, requests: 1e6 })).toMatchObject({ refresh: 1 })
  })

  test('visits as often as was measured', () => {
    const { refresh } = constants.operations
    const { database, issuer } = visitsOf('refresh', constants)
    expect(database.count).toBe(Math.round(refresh.roundTrips))
    expect(database.count * database.seconds).toBeCloseTo(refresh.database / 1e6, 12)
    expect(issuer).toEqual({ count: 1, seconds: refresh.instance / 1e6 })
  })
})

describe('the measured constants', () => {
  test('hardly grow from a thousand grants to a million', () => {
    const [few, ...more] = constants.sizes
    expect(more.at(-1)?.grants).toBeGreaterThanOrEqual(1e6)
    for (const { direct, refresh } of more) {
      expect(
        (direct.instance + direct.database) / ((few?.direct.instance ?? 0) + (few?.direct.database ?? 0)),
      ).toBeLessThan(1.2)
      expect(
        (refresh.instance + refresh.database) / ((few?.refresh.instance ?? 0) + (few?.refresh.database ?? 0)),
      ).toBeLessThan(1.2)
    }
  })

  test('let three instances do at least 2.6 times what one does', () => {
    const [one, three] = constants.instances
    expect([one?.instances, three?.instances]).toEqual([1, 3])
    expect((3 * (one?.statements ?? 0)) / (three?.statements ?? 1)).toBeGreaterThanOrEqual(2.6)
  })
})

test('a queue of events runs them by time, whatever the order they came in', () => {
  const queue = eventQueue()
  const seen: number[] = []
  for (const at of [5, 1, 4, 1, 3, 2, 9, 7]) queue.after(at, () => seen.push(queue.now()))
  queue.after(2.5, () => queue.after(1, () => seen.push(queue.now())))
  expect(queue.run()).toBe(9)
  expect(seen).toEqual([1, 1, 2, 3, 3.5, 4, 5, 7, 9])
})

test('the messages of a PostgreSQL client are counted wherever the network cuts them', () => {
  const message = (type: string, body: string): Buffer => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length + 4)
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body)])
  }
  const whole = Buffer.concat([message('', 'start'), message('P', 'select 1'), message('E', ''), message('S', '')])
  for (const size of [1, 3, whole.length]) {
    const types: string[] = []
    const read = messageTypes(type => types.push(type))
    for (let from = 0; from < whole.length; from += size) read(whole.subarray(from, from + size))
    expect(types).toEqual(['P', 'E', 'S'])
  }
})
