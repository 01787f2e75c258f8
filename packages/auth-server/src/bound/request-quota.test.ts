import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { slowDatabasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import type { RequestQuota } from '../index.js'
import type { NewRequest } from '../request/request-row.js'
import { type Requests, requestsIn } from '../request/requests.js'
import { migrations, type Tables } from '../tables/tables.js'

const databases = await slowDatabasesForTests(4)
const now = () => 1_767_225_600
const redirect_uri = 'https://app.example/callback'

const asked = (agent: string, more: Partial<NewRequest> = {}): NewRequest => ({
  principal: { agent },
  resource: 'https://calendar.example',
  scope: ['events.read'],
  ...more,
})

interface Place {
  readonly requests: Requests
  readonly store: Store<Tables>
}

/** Instances of an auth server on one database. */
async function instances(
  url: string,
  count: number,
  o: { quota: RequestQuota; development?: boolean },
): Promise<Place[]> {
  const made: Place[] = []
  for (let n = 0; n < count; n++) {
    const store = await openStore<Tables>({ url, room: 'auth_server', migrations })
    made.push({ store, requests: requestsIn(store, now, { development: false, ...o }) })
  }
  return made
}

const outcomeOf = (adding: Promise<unknown>): Promise<string> =>
  adding.then(
    () => 'stored',
    (error: { reason?: string }) => String(error.reason),
  )

const rowsIn = async ({ store }: Place): Promise<number> =>
  Number(
    (
      await store.db
        .selectFrom('auth_server_requests')
        .select(({ fn }) => fn.countAll().as('n'))
        .execute()
    )[0]?.n,
  )

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies(
      'DOS-08',
      `on ${name}: of 600 requests at once, at two instances, no more wait than the quota allows${away}`,
    ),
    { timeout: 60_000 },
    async () => {
      const made = await instances(url(), 2, { quota: { agent: 100, delegate: 60 } })
      const [one, two] = made
      if (one === undefined || two === undefined) throw new Error('no instances')
      const delegates = ['phone', 'laptop']
      const burst = Array.from({ length: 600 }, (_, n) => {
        const principal = { agent: 'https://agent.example', delegate: delegates[n % 2] ?? '' }
        const adding = (n % 4 < 2 ? one : two).requests.add(asked('', { principal }), { redirect_uri })
        return outcomeOf(adding)
      })
      const outcomes = await Promise.all(burst)
      expect(outcomes.filter(outcome => outcome === 'stored')).toHaveLength(100)
      expect(outcomes.filter(outcome => outcome === 'quota_exceeded')).toHaveLength(500)
      expect(await rowsIn(one)).toBe(100)
      // The twin: another agent is not touched by it.
      expect(await outcomeOf(two.requests.add(asked('https://other.test'), { redirect_uri }))).toBe('stored')
      await Promise.all(made.map(({ store }) => store.close()))
    },
  )

  test.skipIf(away !== '')(
    verifies('request.shares', `on ${name}: all subdomains of a site share a tenth, also in a burst${away}`),
    { timeout: 60_000 },
    async () => {
      const made = await instances(url(), 1, { quota: { agent: 1000, delegate: 100, total: 1000 } })
      const [one] = made
      if (one === undefined) throw new Error('no instance')
      const burst = Array.from({ length: 600 }, (_, n) =>
        outcomeOf(one.requests.add(asked(`https://a${n % 3}.evil.com`), { redirect_uri })),
      )
      const outcomes = await Promise.all(burst)
      expect(outcomes.filter(outcome => outcome === 'stored')).toHaveLength(100)
      expect(await rowsIn(one)).toBe(100)
      expect(await outcomeOf(one.requests.add(asked('https://agent.honest.com'), { redirect_uri }))).toBe('stored')
      await Promise.all(made.map(({ store }) => store.close()))
    },
  )
}

test(verifies('request.shares', 'the last tenth is for sites that hold less than a thousandth'), async () => {
  const [one] = await instances('sqlite::memory:', 1, { quota: { agent: 2000, delegate: 2000, total: 2000 } })
  if (one === undefined) throw new Error('no instance')
  const add = (site: string): Promise<string> =>
    outcomeOf(one.requests.add(asked(`https://agent.${site}`), { redirect_uri }))
  for (let site = 0; site < 9; site++) {
    const outcomes = await Promise.all(Array.from({ length: 201 }, () => add(`s${site}.com`)))
    expect(outcomes.filter(outcome => outcome === 'stored')).toHaveLength(200)
  }
  // Two are a thousandth of 2000.
  expect([await add('small.com'), await add('small.com'), await add('small.com')]).toEqual([
    'stored',
    'stored',
    'quota_exceeded',
  ])
  for (let site = 0; site < 198; site++) expect(await add(`t${site}.com`)).toBe('stored')
  expect(await add('late.com')).toBe('quota_exceeded')
  expect(await rowsIn(one)).toBe(2000)
  await one.store.close()
})

test(verifies('request.shares', 'in development all agents of one machine share nothing'), async () => {
  const [one] = await instances('sqlite::memory:', 1, {
    quota: { agent: 1000, delegate: 100, total: 10 },
    development: true,
  })
  if (one === undefined) throw new Error('no instance')
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      outcomeOf(one.requests.add(asked(`http://localhost:${4000 + n}`), { redirect_uri })),
    ),
  )
  expect(new Set(outcomes)).toEqual(new Set(['stored']))
  await one.store.close()
})

test(
  verifies('request.shares', 'the size of a request is limited, and one that cannot be stored fails alone'),
  async () => {
    const [one] = await instances('sqlite::memory:', 1, { quota: { agent: 1000, delegate: 100 } })
    if (one === undefined) throw new Error('no instance')
    const add = (purpose: string): Promise<string> =>
      outcomeOf(one.requests.add(asked('https://agent.example', { purpose }), { redirect_uri, state: 's'.repeat(512) }))
    const around = 512 + redirect_uri.length + 'https://agent.example'.length + 'https://calendar.example'.length + 11
    expect(await add('p'.repeat(8192 - around))).toBe('stored')
    expect(await add('p'.repeat(8193 - around))).toBe('request_too_large')
    // The driver accepts no text with NUL; requests of the same moment are stored nevertheless.
    const outcomes = await Promise.all([add('a'), add('b\0'), add('c')])
    expect([outcomes[0], outcomes[2]]).toEqual(['stored', 'stored'])
    expect(outcomes[1]).not.toBe('stored')
    await one.store.close()
  },
)

test(
  verifies('request.shares', 'requests shown to a user are counted for all subdomains of an agent together'),
  async () => {
    const [one] = await instances('sqlite::memory:', 1, { quota: { agent: 1000, delegate: 100 } })
    if (one === undefined) throw new Error('no instance')
    const shown = async (agent: string, user: string): Promise<number> => {
      const { request_token } = await one.requests.add(asked(agent), { redirect_uri })
      const row = await one.requests.find(request_token)
      return row === undefined ? -1 : one.requests.shown(row, user)
    }
    expect([await shown('https://a0.evil.com', 'ada'), await shown('https://a1.evil.com', 'ada')]).toEqual([1, 2])
    expect([await shown('https://agent.honest.com', 'ada'), await shown('https://a2.evil.com', 'bob')]).toEqual([1, 1])
    await one.store.close()
  },
)
