import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { afterEach, describe, expect, test } from 'vitest'
import { grantsIn, newGrantId } from '../grant/grants.js'
import type { NoticeRow } from '../tables/revocation-tables.js'
import { migrations, room, type Tables } from '../tables/tables.js'
import { createDelivery, type Delivery } from './delivery.js'
import { writeNotices } from './notices.js'
import type { NoticeAnswer } from './send-notice.js'

const start = 1_800_000_000
const stops: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

type Sent = Pick<NoticeRow, 'resource' | 'grant_name' | 'exp'>

/** A store with a delivery whose resources answer as `answer` says. */
async function setUp(answer: (notice: Sent) => NoticeAnswer | Promise<NoticeAnswer>, url = 'sqlite::memory:') {
  const clock = { now: start }
  const store = await openStore<Tables>({ url, room, migrations })
  stops.push(() => store.close())
  const sent: Sent[] = []
  const outcomes: string[] = []
  const open = (): Delivery => {
    const delivery = createDelivery({
      store,
      now: () => clock.now,
      async send({ resource, grant_name, exp }) {
        sent.push({ resource, grant_name, exp })
        return answer({ resource, grant_name, exp })
      },
      onOutcome: ({ grant_name }, { outcome, status }) => outcomes.push(`${grant_name} ${outcome} ${status}`),
    })
    stops.push(() => delivery.end())
    return delivery
  }
  return { clock, store, sent, outcomes, open, delivery: open() }
}

const told: NoticeAnswer = { outcome: 'told', status: 204 }

async function end(
  store: Store<Tables>,
  ids: readonly string[],
  o: { readonly by?: 'urgent' | 'agent'; readonly resource?: string; readonly now?: number } = {},
): Promise<void> {
  const { by = 'urgent', resource = 'https://calendar.example', now = start } = o
  const grant = { resource, agent: 'https://agent.example', agent_delegate: '', user_sub: 'ada' }
  const ended = ids.map(id => ({ id, ...grant }))
  await store.write(tx => writeNotices(tx, ended, { by, issuer: 'https://auth.example', now }))
}

async function run({ delivery }: { readonly delivery: Delivery }): Promise<void> {
  delivery.poke()
  await delivery.settled()
}

const rows = (store: Store<Tables>) =>
  store.db.selectFrom('auth_server_notices').selectAll().orderBy('grant_name').execute()

describe('a notice', () => {
  test(
    verifies('revocation.delivered', 'is delivered once, with the longest time that tokens of its grant may live'),
    async () => {
      const made = await setUp(() => told)
      await end(made.store, ['g1'])
      await run(made)
      await run(made)
      expect(made.sent).toEqual([{ resource: 'https://calendar.example', grant_name: 'g1', exp: start + 3600 }])
      expect(await rows(made.store)).toMatchObject([{ outcome: 'told', status: 204, ended: start }])
      expect(made.outcomes).toEqual(['g1 told 204'])
    },
  )

  test(
    verifies('REV-19', 'is tried again after 1 s, 2 s and so on to 60 s, until the last token has expired'),
    async () => {
      const made = await setUp(() => ({ outcome: 'failed', status: 503 }))
      await end(made.store, ['g1'])
      const tries: number[] = []
      for (; made.clock.now < start + 3700; made.clock.now += 1) {
        const before = made.sent.length
        await run(made)
        if (made.sent.length > before) tries.push(made.clock.now - start)
      }
      expect(tries.slice(0, 8)).toEqual([0, 1, 3, 7, 15, 31, 63, 123])
      expect(tries.at(-1)).toBeGreaterThan(3600 - 61)
      expect(tries.at(-1)).toBeLessThan(3600)
      expect(await rows(made.store)).toMatchObject([{ outcome: 'waiting', status: 503 }])
      expect(made.outcomes, 'one record, not one of each try').toEqual(['g1 failed 503'])
    },
  )

  test('to a resource without an endpoint is over: its tokens end by themselves', async () => {
    const made = await setUp(() => ({ outcome: 'no_endpoint', status: null }))
    await end(made.store, ['g1'])
    await run(made)
    made.clock.now += 100
    await run(made)
    expect(made.sent.length).toBe(1)
    expect(await rows(made.store)).toMatchObject([{ outcome: 'no_endpoint', status: null, ended: start }])
  })

  test(verifies('revocation.written', 'is written with the end of the grant, or neither is'), async () => {
    const made = await setUp(() => told)
    const grants = grantsIn(made.store, () => made.clock.now, { issuer: 'https://auth.example' })
    const grant = { id: newGrantId(), resource: 'https://calendar.example', scope: 'events.read' }
    const refreshToken = await grants.add({ agent: 'https://agent.example' }, grant)
    expect(await rows(made.store)).toEqual([])
    await grants.revoke({ agent: 'https://agent.example' }, refreshToken)
    expect(await rows(made.store)).toMatchObject([{ grant_name: grant.id, resource: grant.resource, urgency: 1 }])
    const rolledBack = made.store.write(async tx => {
      await writeNotices(tx, [{ ...grant, agent: 'https://agent.example', agent_delegate: '', user_sub: null }], {
        by: 'urgent',
        issuer: 'https://auth.example',
        now: start,
      })
      throw new Error('rolled back')
    })
    await expect(rolledBack).rejects.toThrow('rolled back')
    expect((await rows(made.store)).length).toBe(1)
  })

  test('outlives its process: the next one delivers what was left', async () => {
    const made = await setUp(() => new Promise<NoticeAnswer>(() => undefined))
    await end(made.store, ['g1'])
    made.delivery.poke()
    await expect.poll(() => made.sent.length).toBe(1)
    // It dies without an answer; the claim on the notice passes.
    stops.splice(1, 1)
    const sent: string[] = []
    const next = createDelivery({
      store: made.store,
      now: () => made.clock.now,
      async send({ grant_name }) {
        sent.push(grant_name)
        return told
      },
      onOutcome: () => undefined,
    })
    stops.push(() => next.end())
    await run({ delivery: next })
    expect(sent, 'the other may still be at it').toEqual([])
    made.clock.now += 21
    await run({ delivery: next })
    expect(sent).toEqual(['g1'])
  })

  test(
    verifies('revocation.delivered', 'F-70', 'reaches a resource that was away within a minute of its return'),
    async () => {
      const resource: { answer: NoticeAnswer } = { answer: { outcome: 'failed', status: null } }
      const made = await setUp(() => resource.answer)
      await end(made.store, ['g1'])
      for (; made.clock.now < start + 600; made.clock.now += 1) await run(made)
      resource.answer = told
      for (; made.clock.now < start + 661; made.clock.now += 1) await run(made)
      expect(made.outcomes).toEqual(['g1 failed null', 'g1 told 204'])
      expect(await rows(made.store)).toMatchObject([{ outcome: 'told', status: 204 }])
    },
  )

  test(verifies('F-83', 'is not held back by an instance whose clock is 300 s ahead'), async () => {
    const made = await setUp(({ grant_name }) => (grant_name === 'refused' ? { outcome: 'failed', status: 503 } : told))
    // What it signs is refused, and it takes each notice before it is due.
    const ahead = createDelivery({
      store: made.store,
      now: () => made.clock.now + 300,
      send: async () => ({ outcome: 'failed', status: 401 }),
      onOutcome: () => undefined,
    })
    stops.push(() => ahead.end())
    await end(made.store, ['g1', 'refused'])
    await run({ delivery: ahead })
    expect(await rows(made.store)).toMatchObject([{ due: start + 301 }, { due: start + 301 }])
    await run(made)
    // One that is put off by the right clock waits its time.
    const before = made.sent.length
    await run(made)
    expect([before, made.sent.length]).toEqual([2, 2])
    // The grant that was ended there is told at once, too, with a time that a resource takes.
    await end(made.store, ['g2'], { now: start + 300 })
    await run(made)
    expect(made.sent.at(-1)).toEqual({ resource: 'https://calendar.example', grant_name: 'g2', exp: start + 3600 })
    expect(await rows(made.store)).toMatchObject([
      { grant_name: 'g1', outcome: 'told' },
      { grant_name: 'g2', outcome: 'told' },
      { grant_name: 'refused', outcome: 'waiting', due: start + 2 },
    ])
  })

  test(verifies('F-83', 'is written by a clock that is 300 s ahead for all that lives by another clock'), async () => {
    const { store } = await setUp(() => new Promise<NoticeAnswer>(() => undefined))
    const whose = { agent: 'https://agent.example', agent_delegate: '', resource: 'https://calendar.example' }
    const exchanged = (name: string, exp: number) => ({
      name,
      exp,
      upstream: 'https://auth.example g1',
      root: null,
      user_sub: null,
      ...whose,
      resource: `https://${name}.example`,
    })
    const approval = (id: string, status: 'approved' | 'open', exp: number | null) => ({
      id,
      status,
      exp,
      user_sub: 'ada',
      holder: 'ada',
      ...whose,
      agent_jkt: 'k',
      operation: 'send',
      digest: id,
      words: '',
      grave: 0,
      display: null,
      inbox: 0,
      known: 1,
      created: start,
      expires: start + 100,
      decided: status === 'open' ? null : start,
      ended: null,
    })
    await store.write(async tx => {
      await tx
        .insertInto('auth_server_exchanged')
        .values([exchanged('lives', start + 1), exchanged('over', start - 1)])
        .execute()
      await tx
        .insertInto('auth_server_approvals')
        .values([approval('token', 'approved', start + 1), approval('question', 'open', null)])
        .execute()
    })
    await end(store, ['g1'], { now: start + 300 })
    expect((await rows(store)).map(({ grant_name }) => grant_name)).toEqual(['g1', 'lives', 'token'])
    const approvals = await store.db
      .selectFrom('auth_server_approvals')
      .select(['id', 'status'])
      .orderBy('id')
      .execute()
    expect(approvals).toEqual([
      { id: 'question', status: 'refused' },
      { id: 'token', status: 'approved' },
    ])
  })

  test('is delivered by one of several instances', async () => {
    const made = await setUp(async () => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return told
    })
    const others = [made.open(), made.open()]
    await end(made.store, ['g1', 'g2', 'g3'])
    await Promise.all([made.delivery, ...others].map(delivery => run({ delivery })))
    expect(made.sent.map(({ grant_name }) => grant_name).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'g1',
      'g2',
      'g3',
    ])
  })
})

describe('many notices', () => {
  test(
    verifies('revocation.order', 'REV-22', 'those of an agent leave 10 a minute, and those of users before them'),
    async () => {
      const made = await setUp(() => told)
      for (let n = 0; n < 300; n++) await end(made.store, [`agent-${n}`], { by: 'agent' })
      await run(made)
      made.clock.now += 1
      await end(made.store, ['user'], { now: made.clock.now })
      await run(made)
      const ofAgent = () => made.sent.filter(({ grant_name }) => grant_name.startsWith('agent')).length
      expect([ofAgent(), made.sent.at(-1)?.grant_name]).toEqual([10, 'user'])
      for (; made.clock.now < start + 59; made.clock.now += 1) await run(made)
      expect(ofAgent()).toBe(10)
      for (; made.clock.now < start + 62; made.clock.now += 1) await run(made)
      expect(ofAgent()).toBe(20)
    },
  )

  test(
    verifies(
      'REV-22',
      'an agent that gives back without end writes none that would come after the tokens have expired',
    ),
    async () => {
      const made = await setUp(() => told)
      await end(
        made.store,
        Array.from({ length: 10_000 }, (_, n) => `g${n}`),
        { by: 'agent' },
      )
      const written = await rows(made.store)
      expect([written.length, written.every(({ due, exp }) => due < exp)]).toEqual([600, true])
    },
  )

  test(verifies('REV-21', 'resources of one site that hang hold up no other'), async () => {
    const made = await setUp(({ resource }) =>
      resource.endsWith('.hostile.example') ? new Promise<NoticeAnswer>(() => undefined) : told,
    )
    for (let n = 0; n < 1000; n++) await end(made.store, [`h${n}`], { resource: `https://r${n}.hostile.example` })
    await end(made.store, ['honest'])
    made.delivery.poke()
    await expect.poll(() => made.outcomes).toEqual(['honest told 204'])
    expect(made.sent.length).toBeLessThanOrEqual(5)
    stops.splice(1, 1)
  })

  test(verifies('revocation.shown', 'ten thousand grants end in one transaction, each with its notice'), async () => {
    const made = await setUp(() => told)
    await end(
      made.store,
      Array.from({ length: 10_000 }, (_, n) => `g${n}`),
    )
    const { count } = await made.store.db
      .selectFrom('auth_server_notices')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    expect(Number(count)).toBe(10_000)
  })
})
