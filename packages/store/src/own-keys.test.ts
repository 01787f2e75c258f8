import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import { AAuthError, type PublishedKey } from '@countersign/protocol'
import { numRuns, verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openStore, type Store } from './index.js'
import {
  keyOperator,
  type OwnKeyEvent,
  type OwnKeys,
  openOwnKeys,
  ownKeySchedule,
  ownKeysMigration,
  takeOverKeys,
} from './internal.js'

// Several instances with clocks of their own share a database; operators rotate and revoke; instances sleep, restart and die between two
// steps. A verifier holds key sets as long as caches may, and fetches them from any instance. What must hold: no token is refused, but for
// those of a revoked key.

const room = 'simulated'
const folder = temporaryFolder()
const hour = 3600
const lifetime = hour
const publishAhead = 900
/** How far two clocks are apart. */
const mostApart = 240
/** How long a reader may keep a key set, and how soon it fetches one again for a kid that it does not know. */
const cache = { most: 600, again: 30 }
/**
 * Most keys at once. A key is published once the one before it signs; it signs until the next one does, and stays while its tokens are
 * valid and key sets are kept.
 */
const mostKeys = 1 + Math.floor((2 * publishAhead + lifetime + cache.most + mostApart) / (publishAhead - mostApart))

interface Instance {
  /** Seconds that its clock is ahead. */
  skew: number
  keys: OwnKeys
  store: Store<object>
}

interface Token {
  readonly kid: string
  readonly exp: number
}

/** One reader: its key set and when it was fetched. */
interface Reader {
  kids: readonly string[]
  fetched: number
}

/** What happens next. */
type Step =
  | { readonly do: 'issue' | 'read' | 'restart' | 'crash'; readonly at: number }
  | { readonly do: 'rotate' | 'rotate twice' | 'revoke'; readonly at: number }
  | { readonly do: 'skew'; readonly at: number; readonly by: number }

const instance = fc.integer({ min: 0, max: 2 })
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('issue', 'read'), at: instance }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('restart', 'crash', 'rotate', 'rotate twice'), at: instance }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('skew'),
      at: instance,
      by: fc.integer({ min: -mostApart / 2, max: mostApart / 2 }),
    }),
  },
) as fc.Arbitrary<Step>
const waits = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 1000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 * hour }) },
)
const histories = fc.array(fc.tuple(waits, steps), { minLength: 20, maxLength: 60 })

let databases = 0

class Simulation {
  now = 1_800_000_000
  readonly instances: Instance[] = []
  readonly events: OwnKeyEvent[] = []
  readonly tokens: Token[] = []
  readonly readers: Reader[] = []
  readonly refused: string[] = []
  readonly revoked = new Set<string>()
  readonly #url = `sqlite:${join(folder, `${++databases}.db`)}`

  readonly given: readonly PublishedKey[]

  constructor(given: readonly PublishedKey[]) {
    this.given = given
  }

  async open(skew: number): Promise<Instance> {
    const store = await openStore<object>({
      url: this.#url,
      room,
      migrations: [ownKeysMigration('001-own-keys', room)],
    })
    const clock = { skew, keys: undefined as unknown as OwnKeys, store }
    const now = (): number => this.now + clock.skew
    const keys = { rotateEvery: 4 * hour, publishAhead, before: this.given }
    await takeOverKeys(store, { room, keys, knownKeys: 'check', now })
    clock.keys = await openOwnKeys(store, {
      room,
      keys,
      now,
      onEvent: event => this.events.push(event),
      schedule: rotation => ownKeySchedule(rotation, { tokenLifetime: lifetime, grace: 0 }),
    })
    return clock
  }

  at(index: number): Instance {
    const found = this.instances[index % this.instances.length]
    if (found === undefined) throw new Error('there is no instance')
    return found
  }

  operator({ store, keys, skew }: Instance) {
    return keyOperator(store, {
      room,
      now: () => this.now + skew,
      onEvent: event => this.events.push(event),
      onChanged: keys.changed,
      schedule: { publishAhead, tokenLifetime: lifetime, grace: 0 },
    })
  }

  async take(step: Step): Promise<void> {
    const on = this.at(step.at)
    switch (step.do) {
      case 'issue':
        return this.issue(on)
      case 'read':
        return void this.readers.push({ kids: await kidsOf(on), fetched: this.now })
      case 'restart':
      case 'crash':
        // Of a crash, the next instance finds what was committed; without one it is the same.
        await on.store.close()
        this.instances[this.instances.indexOf(on)] = await this.open(on.skew)
        return
      case 'rotate':
        return this.underLoad(async () => void (await this.operator(on).rotate()))
      case 'rotate twice':
        return this.underLoad(
          async () =>
            void (await Promise.all([this.operator(on).rotate(), this.operator(this.at(step.at + 1)).rotate()])),
        )
      case 'revoke':
        return this.revoke(on)
      case 'skew':
        on.skew = step.by
    }
  }

  /** Every instance is read right before, and issues tokens right after. */
  async underLoad(act: () => Promise<void>): Promise<void> {
    for (const each of this.instances) this.readers.push({ kids: await kidsOf(each), fetched: this.now })
    await act()
    for (const each of this.instances) await this.issue(each)
  }

  async revoke(on: Instance): Promise<void> {
    const { kid } = await on.keys.signing()
    await this.operator(on).revoke(kid)
    this.revoked.add(kid)
  }

  /** A token is issued, and read by all readers at once. */
  async issue(on: Instance): Promise<void> {
    const kid = await signingOf(on)
    if (kid === undefined) return
    this.tokens.push({ kid, exp: this.now + on.skew + lifetime })
    await this.verifyAll()
  }

  /** Each reader reads each token that has not expired, by its clock: with the set that it holds, or one that it may fetch now. */
  async verifyAll(): Promise<void> {
    const live = this.tokens.filter(({ exp, kid }) => this.now < exp - mostApart / 2 && !this.revoked.has(kid))
    for (const [index, reader] of this.readers.entries()) {
      if (this.now - reader.fetched >= cache.most) await this.fetch(reader, index)
      for (const { kid } of live) {
        if (reader.kids.includes(kid)) continue
        if (this.now - reader.fetched >= cache.again) await this.fetch(reader, index)
        if (!reader.kids.includes(kid)) this.refused.push(`${kid} at ${this.now}`)
      }
    }
  }

  async fetch(reader: Reader, index: number): Promise<void> {
    reader.kids = await kidsOf(this.at(index))
    reader.fetched = this.now
  }

  async close(): Promise<void> {
    for (const { store } of this.instances) await store.close()
  }
}

async function kidsOf({ keys }: Instance): Promise<string[]> {
  return (await keys.published()).map(({ kid }) => kid)
}

/** The kid that signs now; undefined while none may. */
async function signingOf({ keys }: Instance): Promise<string | undefined> {
  try {
    return (await keys.signing()).kid
  } catch (thrown) {
    if (thrown instanceof AAuthError && thrown.reason === 'key_not_ready') return undefined
    throw thrown
  }
}

test(
  verifies(
    'discovery.publish-ahead',
    'of several instances with clocks of their own, none signs with a key that others do not find, and no token outlives its key',
  ),
  async () => {
    const given = [{ kid: 'file', key: await generateSigningKey() }]
    await fc.assert(
      fc.asyncProperty(fc.boolean(), histories, async (isUpgrade, history) => {
        const simulation = new Simulation(isUpgrade ? given : [])
        for (const skew of [0, 60, -60]) simulation.instances.push(await simulation.open(skew))
        simulation.readers.push({ kids: await kidsOf(simulation.at(0)), fetched: simulation.now })
        for (const [wait, step] of history) {
          simulation.now += wait
          await simulation.take(step)
          await simulation.verifyAll()
        }
        const made = simulation.events.filter(({ did }) => did === 'made').map(({ kid }) => kid)
        const stored = await simulation.operator(simulation.at(0)).list()
        await simulation.close()
        expect(simulation.refused).toEqual([])
        // Each key is made once, and old ones go.
        expect(new Set(made).size).toBe(made.length)
        expect(stored.length).toBeLessThanOrEqual(mostKeys)
      }),
      // Each opens three databases and takes up to sixty steps.
      { numRuns: Math.ceil(numRuns / 100) },
    )
  },
)

test(
  verifies(
    'discovery.publish-ahead',
    'of the keys that were not revoked, no token is refused while others are revoked',
  ),
  async () => {
    const simulation = new Simulation([])
    for (const skew of [0, 5, -5]) simulation.instances.push(await simulation.open(skew))
    simulation.readers.push({ kids: await kidsOf(simulation.at(0)), fetched: simulation.now })
    let [issued, waited] = [0, 0]
    for (let round = 0; round < 4; round++) {
      await simulation.take({ do: 'revoke', at: round })
      for (let second = 0; second < 120; second += 7) {
        simulation.now += 7
        const before = simulation.tokens.length
        await simulation.take({ do: 'issue', at: second })
        if (simulation.tokens.length > before) issued += 1
        else waited += 1
      }
    }
    await simulation.close()
    // An instance that has not heard of it signs on for 20 seconds at most; then nothing is signed for a minute.
    const stale = simulation.tokens.filter(({ kid }) => simulation.revoked.has(kid))
    expect(simulation.refused).toEqual([])
    expect([issued > 30, waited > 20, stale.length > 0]).toEqual([true, true, true])
  },
)
