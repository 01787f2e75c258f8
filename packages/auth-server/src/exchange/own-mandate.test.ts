import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { databasesForTests } from '@countersign/testing/databases'
import { expect, test } from 'vitest'
import { grantsIn, newGrantId } from '../grant/grants.js'
import { migrations, type Tables } from '../tables/tables.js'
import { ownMandatesIn } from './own-mandate.js'
import type { Upstream } from './upstream-token.js'

const databases = await databasesForTests(3)

const issuer = 'https://auth.example'
const agent = 'https://agent.example'
const now = (): number => 1_800_000_000

/** The mandate went to another auth server and comes back: its token is that one's, and began here. */
const around: Upstream = {
  iss: 'https://two.example',
  sub: 'her name there',
  scope: ['rooms.book'],
  exp: now() + 600,
  act: { iss: 'https://two.example', agent: 'https://calendar.example', act: { iss: issuer, agent } },
}
const [caller, resource] = ['https://rooms.example', 'https://calendar.example']

/** Our own token, as its agent calls the calendar with it. */
const whole = (o: Partial<Upstream> = {}): Upstream => ({
  iss: issuer,
  sub: 'ada',
  scope: ['events.write'],
  exp: now() + 600,
  act: { iss: issuer, agent },
  ...o,
})
const gone = { code: 'invalid_auth_token', status: 400 }

async function grant(store: Store<Tables>, sub: string, txn?: string): Promise<string> {
  return grantsIn(store, now, { issuer }).add(
    { agent },
    {
      id: newGrantId(),
      resource,
      scope: 'events.write',
      user: { sub, claims: {} },
      ...(txn === undefined ? {} : { txn }),
    },
  )
}

test(verifies('revoke.ends', 'a chain that began here stands as long as the grant of its own user'), async () => {
  const store = await openStore<Tables>({ url: 'sqlite::memory:', room: 'auth_server', migrations })
  const mandates = ownMandatesIn(store, issuer, now)
  await expect(mandates.check(around, { caller, user: 'ada' })).rejects.toMatchObject(gone)
  await grant(store, 'bob')
  await expect(mandates.check(around, { caller, user: 'ada' })).rejects.toMatchObject(gone)
  const refreshToken = await grant(store, 'ada')
  await expect(mandates.check(around, { caller, user: 'ada' })).resolves.toBeUndefined()
  await grantsIn(store, now, { issuer }).revoke({ agent }, refreshToken)
  await expect(mandates.check(around, { caller, user: 'ada' })).rejects.toMatchObject(gone)
  // Without a known user, any user's grant to that agent counts.
  await expect(mandates.check(around, { caller, user: undefined })).resolves.toBeUndefined()
  // Through others the audit id is kept, so that of two grants of one user only its own stands; without, any does.
  const named = (txn: string) => mandates.check({ ...around, txn }, { caller, user: 'ada' })
  const first = await grant(store, 'ada', 'journey-1')
  await grant(store, 'ada', 'journey-2')
  await expect(named('journey-1')).resolves.toBeUndefined()
  await grantsIn(store, now, { issuer }).revoke({ agent }, first)
  await expect(named('journey-1')).rejects.toMatchObject(gone)
  await expect(named('journey-2')).resolves.toBeUndefined()
  await expect(mandates.check(around, { caller, user: 'ada' })).resolves.toBeUndefined()
  // What did not begin here is not for us to say.
  const theirs = { ...around, act: { iss: 'https://two.example', agent } }
  await expect(mandates.check(theirs, { caller, user: 'ada' })).resolves.toBeUndefined()
  await store.close()
})

for (const { name, away, url } of databases) {
  test.skipIf(away !== '')(
    verifies('revoke.ends', `on ${name}: the grant of a chain whose user is unknown is found among any number${away}`),
    async () => {
      const store = await openStore<Tables>({ url: url(), room: 'auth_server', migrations })
      const mandates = ownMandatesIn(store, issuer, now)
      const tokens: string[] = []
      for (let first = 0; first < 700; first += 50) {
        const some = Array.from({ length: 50 }, (_, n) => grant(store, `user-${first + n}`, `journey-${first + n}`))
        tokens.push(...(await Promise.all(some)))
      }
      const { sub: _, ...nobody } = around
      const of = (n: number) => mandates.check({ ...nobody, txn: `journey-${n}` }, { caller, user: undefined })
      for (let n = 0; n < 700; n++) await expect(of(n)).resolves.toBeUndefined()
      await grantsIn(store, now, { issuer }).revoke({ agent }, tokens[500] ?? '')
      await expect(of(500)).rejects.toMatchObject(gone)
      await expect(of(501)).resolves.toBeUndefined()
      await store.close()
    },
  )

  test.skipIf(away !== '')(
    verifies('revoke.ends', `on ${name}: a token that names its grant stands only while that grant does${away}`),
    async () => {
      const store = await openStore<Tables>({ url: url(), room: 'auth_server', migrations })
      const [mandates, grants] = [ownMandatesIn(store, issuer, now), grantsIn(store, now, { issuer })]
      for (const txn of ['journey-1', undefined]) {
        const shared = { resource, user: { sub: 'ada', claims: {} }, ...(txn === undefined ? {} : { txn }) }
        const add = async (id: string, scope: string) => grants.add({ agent }, { id, scope, ...shared })
        const first = await add(`first-${txn}`, 'events.read')
        // As after a step-up: the challenge keeps the audit id of the token that was shown.
        await add(`second-${txn}`, 'events.read events.write')
        const token = { scope: ['events.read'], ...(txn === undefined ? {} : { txn }) }
        const of = (id: string, o: Partial<Upstream> = {}, by = resource) =>
          mandates.check(whole({ ...token, grant: `${id}-${txn}`, ...o }), { caller: by, user: 'ada' })
        // Passed on by ourselves it still says what it began with.
        const act = { iss: issuer, agent: resource, act: { iss: issuer, agent } }
        const further = (id: string) => of(id, { scope: ['rooms.book'], act }, caller)
        for (const id of ['first', 'second']) {
          await expect(of(id)).resolves.toBeUndefined()
          await expect(further(id)).resolves.toBeUndefined()
        }
        await grants.revoke({ agent }, first)
        await expect(of('first')).rejects.toMatchObject(gone)
        await expect(further('first')).rejects.toMatchObject(gone)
        await expect(of('second')).resolves.toBeUndefined()
        await expect(further('second')).resolves.toBeUndefined()
        // It is a name, not a right: of another's grant it says nothing.
        await expect(of('second', { sub: 'bob' })).rejects.toMatchObject(gone)
      }
      await store.close()
    },
  )

  test.skipIf(away !== '')(
    verifies('revoke.ends', `on ${name}: a token of the release before is exchanged while its grant lives${away}`),
    async () => {
      const store = await openStore<Tables>({ url: url(), room: 'auth_server', migrations })
      const mandates = ownMandatesIn(store, issuer, now)
      const of = (sub: string, o: Partial<Upstream>) =>
        mandates.check(whole({ sub, ...o }), { caller: resource, user: sub })
      // Its grant kept no audit id yet, and the token has one.
      const old = await grant(store, 'ada')
      await expect(of('ada', { txn: 'journey-1' })).resolves.toBeUndefined()
      // Its grant has one, and an old process beside this one has refreshed it without.
      await grant(store, 'bob', 'journey-2')
      await expect(of('bob', {})).resolves.toBeUndefined()
      await expect(of('bob', { txn: 'journey-2' })).resolves.toBeUndefined()
      // None lives by what is another's: another action's, another user's, or less.
      await expect(of('bob', { txn: 'journey-1' })).rejects.toMatchObject(gone)
      await expect(of('bob', { scope: ['events.read'] })).rejects.toMatchObject(gone)
      await grantsIn(store, now, { issuer }).revoke({ agent }, old)
      await expect(of('ada', { txn: 'journey-1' })).rejects.toMatchObject(gone)
      await store.close()
    },
  )
}
