import { verifies } from '@countersign/requirements'
import { openStore, type Store } from '@countersign/store'
import { expect, test } from 'vitest'
import { grantsIn, newGrantId } from '../grants.js'
import { migrations, type Tables } from '../tables.js'
import { ownMandatesIn } from './own-mandate.js'
import type { Upstream } from './upstream-token.js'

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

async function grant(store: Store<Tables>, sub: string, txn?: string): Promise<string> {
  return grantsIn(store, now, issuer).add(
    { agent },
    {
      ...{ id: newGrantId(), resource, scope: 'events.write', user: { sub, claims: {} } },
      ...(txn === undefined ? {} : { txn }),
    },
  )
}

test(
  verifies(
    'revoke.ends',
    'a mandate that began here and comes back stands as long as its own user’s grant, not another’s',
  ),
  async () => {
    const store = await openStore<Tables>({ url: 'sqlite::memory:', room: 'auth_server', migrations })
    const mandates = ownMandatesIn(store, issuer, now)
    const gone = { code: 'invalid_auth_token', status: 400 }
    await expect(mandates.check(around, caller, 'ada')).rejects.toMatchObject(gone)
    await grant(store, 'bob')
    await expect(mandates.check(around, caller, 'ada')).rejects.toMatchObject(gone)
    const refreshToken = await grant(store, 'ada')
    await expect(mandates.check(around, caller, 'ada')).resolves.toBeUndefined()
    await grantsIn(store, now, issuer).revoke({ agent }, refreshToken)
    await expect(mandates.check(around, caller, 'ada')).rejects.toMatchObject(gone)
    // Of whom we do not know the user is known only that somebody's stands.
    await expect(mandates.check(around, caller, undefined)).resolves.toBeUndefined()
    // Through others the audit id is kept, so that of two grants of one user only its own stands; without, any does.
    const named = (txn: string) => mandates.check({ ...around, txn }, caller, 'ada')
    const first = await grant(store, 'ada', 'journey-1')
    await grant(store, 'ada', 'journey-2')
    await expect(named('journey-1')).resolves.toBeUndefined()
    await grantsIn(store, now, issuer).revoke({ agent }, first)
    await expect(named('journey-1')).rejects.toMatchObject(gone)
    await expect(named('journey-2')).resolves.toBeUndefined()
    await expect(mandates.check(around, caller, 'ada')).resolves.toBeUndefined()
    // What did not begin here is not for us to say.
    const theirs = { ...around, act: { iss: 'https://two.example', agent } }
    await expect(mandates.check(theirs, caller, 'ada')).resolves.toBeUndefined()
    await store.close()
  },
)
