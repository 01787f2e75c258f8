import { randomUUID } from 'node:crypto'
import { useInvitation } from '../../packages/auth-server/src/account/invitations.js'
import { linkIdentity, removeWay } from '../../packages/auth-server/src/login/identities.js'
import { lockUser, newUser } from '../../packages/auth-server/src/login/users.js'
import { addPasskey, findPasskey, usePasskey } from '../../packages/auth-server/src/passkey/passkey-store.js'
import { burst } from './counted-first.fixture.js'
import type { authInstances } from './counted-first-auth.fixture.js'

type Instances = Awaited<ReturnType<typeof authInstances>>
type Store = ReturnType<Instances['at']>['store']

const now = 1_800_000_000
const methods = new Set(['passkey', 'corp'])

const registration = (id: string) => ({
  passkey: { id, publicKey: new Uint8Array([1]), count: 0, backedUp: false },
  challenge: randomUUID(),
  name: 'Key',
})

/** A user with one passkey of their name. */
async function userIn(store: Store, sub: string): Promise<void> {
  await store.write(async tx => {
    await newUser(tx, { sub, claims: { name: sub }, now })
    await addPasskey(tx, registration(`${sub} 1`), { sub, now })
  })
}

/** As `authBursts`, about accounts. */
export const accountBursts: Readonly<
  Record<string, { readonly most: number; readonly act: (o: Instances) => Promise<number> }>
> = {
  'accounts by one link': {
    most: 1,
    async act({ at }) {
      const secret_hash = randomUUID()
      const link = { secret_hash, kind: 'account', sub: '', created: now, expires: now + 60 } as const
      await at(0).store.write(tx => tx.insertInto('auth_server_invitations').values(link).execute())
      return burst(n => at(n).store.write(tx => useInvitation(tx, link)))
    },
  },
  'users that one account at a provider is linked to': {
    most: 1,
    async act({ at }) {
      const account = { issuer: 'https://corp.example', subject: 'shared', claims: {} }
      return burst(async n => {
        const who = { sub: `linker ${n}`, now, provider: 'corp' }
        await at(n).store.write(tx => newUser(tx, { sub: who.sub, claims: {}, now }))
        return (await at(n).store.write(tx => linkIdentity(tx, account, who))) === 'linked'
      })
    },
  },
  'last ways to sign in': {
    most: 1,
    async act({ at }) {
      await userIn(at(0).store, 'remover')
      await at(0).store.write(tx => addPasskey(tx, registration('remover 2'), { sub: 'remover', now }))
      return burst(async n => {
        const way = { passkey: `remover ${(n % 2) + 1}` }
        return typeof (await at(n).store.write(tx => removeWay(tx, way, { sub: 'remover', methods }))) === 'object'
      })
    },
  },
  'answers to one challenge': {
    most: 1,
    async act({ at }) {
      await userIn(at(0).store, 'answerer')
      const row = await findPasskey(at(0).store.db, 'answerer 1')
      const challenge = randomUUID()
      return burst(async n => {
        if (row === undefined) return false
        const assertion = { row, challenge, count: 0, backedUp: false }
        return (await at(n).store.write(tx => usePasskey(tx, assertion, now))) === 'used'
      })
    },
  },
  'passkeys of one user': {
    most: 20,
    async act({ at }) {
      await userIn(at(0).store, 'collector')
      return (
        1 +
        (await burst(async n => {
          const added = await at(n).store.write(async tx => {
            await lockUser(tx, 'collector')
            return addPasskey(tx, registration(`collector ${n + 2}`), { sub: 'collector', now })
          })
          return added === 'added'
        }))
      )
    },
  },
}
