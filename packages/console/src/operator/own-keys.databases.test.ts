import type { AuthServer } from '@countersign/auth-server'
import { createDiscovery } from '@countersign/discovery'
import { generateSigningKey } from '@countersign/httpsig'
import type { PublishedKey } from '@countersign/protocol'
import { verifies } from '@countersign/requirements'
import {
  agentServer,
  ask,
  granted,
  newYear,
  type World,
  type WorldOptions,
  world,
} from '@countersign/testing/auth/world'
import { databasesForTests } from '@countersign/testing/databases'
import { sqliteOfTest } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { plain, refusalOf } from '@countersign/testing/responses'
import { describe, expect, test, vi } from 'vitest'
import { openOperator, operatorOf } from './open-operator.js'

const databases = await databasesForTests(9)
const day = 86_400
const monthly = { rotateEvery: 30 * day }

const fileKey = async (kid = 'file'): Promise<PublishedKey> => ({ kid, key: await generateSigningKey() })

type OperatedWorld = World & { readonly auth: AuthServer }

const open = async (database: string, more: WorldOptions): Promise<OperatedWorld> =>
  operated(await world({ database, knownKeys: 'check', ...more }))

/** The fixture names only what most tests call; its server is a whole one. */
const operated = (made: World): OperatedWorld => made as OperatedWorld

/** The kids that the server publishes. */
async function kidsOf({ auth }: Pick<World, 'auth'>): Promise<string[]> {
  const response = await auth.handle({ method: 'GET', target: '/.well-known/jwks.json', headers: [] })
  const { keys } = (await response.json()) as { keys: Array<Record<string, string>> }
  expect(keys.every(key => !('d' in key))).toBe(true)
  return keys.map(({ kid = '' }) => kid)
}

/** The kid of a token that is issued now. */
async function signer(made: World): Promise<unknown> {
  const { auth_token } = await granted(await ask(made, agentServer(made)))
  return part(auth_token, 0)['kid']
}

const keyEvents = ({ events }: World): unknown[] => events.filter(({ type }) => type.startsWith('key_'))

describe.each(databases)('$name$away', ({ away, url }) => {
  const withDatabase = test.skipIf(away !== '')

  withDatabase(
    verifies(
      'F-45',
      'discovery.publish-ahead',
      'after an upgrade the key of the file signs for the time of a rotation, and is replaced without a refused token',
    ),
    async () => {
      const [database, key] = [url(), await fileKey()]
      const before = await open(database, { keys: [key] })
      expect(await signer(before)).toBe('file')
      const { clock } = before
      const [one, two] = [
        await open(database, { clock, keys: { ...monthly, before: [key] } }),
        await open(database, { clock, keys: { ...monthly, before: [key] } }),
      ]
      expect([await kidsOf(one), await signer(one), await signer(before)]).toEqual([['file'], 'file', 'file'])
      clock.now = newYear + 30 * day - 901
      expect(await kidsOf(two)).toEqual(['file'])
      clock.now = newYear + 30 * day - 880
      const [, next = ''] = await kidsOf(one)
      expect(next).toMatch(/^[\w-]{43}$/)
      expect([await kidsOf(two), await signer(two)]).toEqual([['file', next], 'file'])
      clock.now = newYear + 30 * day + 30
      expect([await signer(one), await signer(two), await kidsOf(one)]).toEqual([next, next, ['file', next]])
      clock.now = newYear + 30 * day + 3600 + 600 + 60
      expect([await kidsOf(one), await kidsOf(two)]).toEqual([[next], [next]])
      expect([...keyEvents(one), ...keyEvents(two)].map(event => (event as { type: string }).type)).toEqual([
        'key_made',
        'key_retired',
      ])
    },
  )

  withDatabase(verifies('F-81', 'keys that the database was not used with are refused, rotating or not'), async () => {
    const [database, key, stray] = [url(), await fileKey(), await fileKey('stray')]
    const rotating = { ...monthly, before: [key] }
    await open(database, { keys: [key] })
    await expect(open(database, { keys: { ...monthly, before: [stray] } })).rejects.toThrow(/used with other keys/)
    await expect(open(database, { keys: monthly })).rejects.toThrow(/used with other keys/)
    const made = await open(database, { keys: rotating })
    await expect(open(database, { keys: { ...monthly, before: [stray, key] } })).rejects.toThrow(/not used with these/)
    // Until the rotation has made a key, it may be turned off.
    await open(database, { keys: [key] })
    await open(database, { keys: rotating })
    await operatorOf(made.auth).keys.rotate()
    await expect(open(database, { keys: [key] })).rejects.toThrow(/rotate: leave the rotation on/)
    // Who lost the file cannot sign with its key, but publishes it.
    const lost = await open(database, { keys: monthly })
    expect([(await ask(lost, agentServer(lost))).status, (await kidsOf(lost))[0]]).toEqual([503, 'file'])
    expect(await signer(made)).toBe('file')
    await open(database, { keys: [stray], knownKeys: 'replace' })
    await expect(open(database, { keys: [key] })).rejects.toThrow(/was revoked/)
  })

  withDatabase(
    'an operator rotates: the next key signs after 15 minutes, and a second rotation changes nothing',
    async () => {
      const [database, key] = [url(), await fileKey()]
      const made = await open(database, { keys: { ...monthly, before: [key] } })
      const { clock } = made
      const now = (): number => clock.now
      const operator = await openOperator({ issuer: 'https://auth.example', database, now })
      const all = await Promise.all([
        operator.keys.rotate(),
        operatorOf(made.auth).keys.rotate(),
        operator.keys.rotate(),
      ])
      const next = all[0]?.kid
      expect(all.filter(({ made: isNew }) => isNew)).toHaveLength(1)
      for (const one of all) expect(one).toMatchObject({ kid: next, signs: newYear + 900, revoked: [] })
      expect(await operator.keys.list()).toEqual([
        {
          kid: 'file',
          algorithm: 'Ed25519',
          state: 'signing',
          from: 'options',
          published: newYear,
          signs: newYear,
          until: newYear + 900 + 3600 + 600,
        },
        {
          kid: next,
          algorithm: 'Ed25519',
          state: 'next',
          from: 'database',
          published: newYear,
          signs: newYear + 900,
        },
      ])
      expect([await kidsOf(made), await signer(made)]).toEqual([['file', next], 'file'])
      clock.now += 900
      expect(await signer(made)).toBe(next)
      expect((await operator.keys.list()).map(({ state }) => state)).toEqual(['retiring', 'signing'])
      clock.now += 4200
      expect(await kidsOf(made)).toEqual([next])
      await operator.close()
    },
  )

  withDatabase(
    verifies(
      'F-45',
      'discovery.publish-ahead',
      'two instances rotate while both issue tokens, and a reader that caches key sets verifies each of them',
    ),
    async () => {
      const database = url()
      const made = await open(database, { keys: monthly })
      const { clock } = made
      const instances = [
        made,
        { ...made, auth: (await open(database, { clock, keys: monthly, discovery: made.discovery })).auth },
      ]
      let fetches = 0
      const reader = createDiscovery({
        now: () => clock.now,
        async fetcher(target) {
          const { auth } = instances[fetches++ % 2] ?? made
          const response = await auth.handle({ method: 'GET', target: new URL(target).pathname, headers: [] })
          const body = new Uint8Array(await response.arrayBuffer())
          return { status: response.status, contentType: 'application/json', body }
        },
      })
      const signers = new Set<unknown>()
      const refused: unknown[] = []
      for (let round = 0; round < 120; round++) {
        if (round === 5) await Promise.all(instances.map(({ auth }) => operatorOf(auth).keys.rotate()))
        clock.now += round > 60 && round < 100 ? 7 : 15 * (1 + (round % 2))
        const kids = await Promise.all(instances.map(signer))
        for (const kid of kids) {
          signers.add(kid)
          if ((await reader.key('aauth-issuer', 'https://auth.example', String(kid))) === undefined) refused.push(kid)
        }
      }
      expect([signers.size, refused]).toEqual([2, []])
      expect(fetches).toBeGreaterThan(4)
    },
  )

  withDatabase(
    'a revoked key is not published, and nothing is signed before the next one was published for a minute',
    async () => {
      const [database, key] = [url(), await fileKey()]
      const made = await open(database, { keys: { ...monthly, before: [key] } })
      const other = await open(database, { clock: made.clock, keys: { ...monthly, before: [key] } })
      const { clock } = made
      const { keys } = operatorOf(made.auth)
      expect(await keys.revoke('unknown')).toBeUndefined()
      const { kid: next } = (await keys.revoke('file')) ?? {}
      expect(await kidsOf(made)).toEqual([next])
      expect(await refusalOf(await ask(made, agentServer(made)))).toMatchObject(
        plain(503, 'temporarily_unavailable', 'key_not_ready'),
      )
      clock.now += 21
      expect(await kidsOf(other)).toEqual([next])
      expect((await ask(other, agentServer(other))).status).toBe(503)
      clock.now += 39
      expect([await signer(made), await signer(other)]).toEqual([next, next])
      expect(await keys.revoke('file')).toBeUndefined()
      // It stands in the file still.
      clock.now += 40 * day
      const again = await open(database, { clock, keys: { ...monthly, before: [key] } })
      expect(await kidsOf(again)).not.toContain('file')
      expect(keyEvents(made).slice(0, 2)).toEqual([
        { type: 'key_revoked', kid: 'file' },
        { type: 'key_made', kid: next, published: newYear, signs: newYear + 60 },
      ])
    },
  )

  withDatabase('where a next key is published, it takes over from a revoked one at once', async () => {
    const made = await open(url(), { keys: monthly })
    const { keys } = operatorOf(made.auth)
    const [first = ''] = await kidsOf(made)
    const { kid: next } = await keys.rotate()
    made.clock.now += 300
    expect(await keys.revoke(first)).toEqual({ kid: next, signs: newYear + 300, made: false, revoked: [first] })
    expect([await signer(made), await kidsOf(made)]).toEqual([next, [next]])
    // A next key that is revoked ends nothing else.
    const { kid: third } = await keys.rotate()
    expect(await keys.revoke(third)).toMatchObject({ kid: next, made: false, revoked: [third] })
    made.clock.now += 3600
    expect([await signer(made), await kidsOf(made)]).toEqual([next, [next]])
  })

  withDatabase('all keys are revoked at once, and a new one signs after a minute', async () => {
    const made = await open(url(), { keys: monthly })
    const { keys } = operatorOf(made.auth)
    const [first = ''] = await kidsOf(made)
    const { kid: second } = await keys.rotate()
    const { kid: third, revoked } = await keys.rotate({ now: true })
    expect(revoked).toEqual([first, second])
    expect(await kidsOf(made)).toEqual([third])
    expect((await ask(made, agentServer(made))).status).toBe(503)
    made.clock.now += 60
    expect(await signer(made)).toBe(third)
    expect((await keys.list()).map(({ state }) => state)).toEqual(['revoked', 'revoked', 'signing'])
  })
})

test(
  verifies('LOG-03', 'each key that is made or revoked is one record of the audit log, and names no private part'),
  async () => {
    const key = await generateSigningKey()
    const made = await open(sqliteOfTest(), { keys: { ...monthly, before: [await fileKey()] }, audit: { key } })
    const operator = operatorOf(made.auth)
    const { kid: next, signs } = await operator.keys.rotate()
    await operator.keys.rotate()
    await operator.keys.revoke('file')
    const recorded = async () =>
      (await operator.audit.list({ limit: 100 })).events.filter(({ type }) => type.startsWith('key_')).reverse()
    await vi.waitFor(async () => expect(await recorded()).toHaveLength(2), { timeout: 20_000 })
    expect((await recorded()).map(({ type, detail }) => ({ type, detail }))).toEqual([
      { type: 'key_made', detail: { kid: next, published: newYear, signs } },
      { type: 'key_revoked', detail: { kid: 'file' } },
    ])
    expect(keyEvents(made).map(event => (event as { type: string }).type)).toEqual(['key_made', 'key_revoked'])
  },
)

test('a server with a fixed list of keys rotates none', async () => {
  const made = operated(await world())
  expect(await operatorOf(made.auth).keys.list()).toEqual([])
  await expect(operatorOf(made.auth).keys.rotate()).rejects.toThrow(TypeError)
  expect(await operatorOf(made.auth).keys.revoke('a1')).toBeUndefined()
  expect([await signer(made), await kidsOf(made)]).toEqual(['a1', ['a1']])
})

test.each<readonly [string, object]>([
  ['rotateEvery under an hour', { rotateEvery: 3599 }],
  ['publishAhead of 59 s', { ...monthly, publishAhead: 59 }],
])(verifies('discovery.publish-ahead', '%s is refused'), async (_, keys) => {
  await expect(world({ keys: { ...monthly, ...keys } })).rejects.toThrow(RangeError)
  const key = await fileKey()
  await expect(world({ keys: { ...monthly, before: [key, key] } })).rejects.toThrow(TypeError)
})
