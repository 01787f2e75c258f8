import { randomUUID } from 'node:crypto'
import { reportTo } from '@countersign/audit/internal'
import type { AuthServerEvent } from '../../packages/auth-server/src/event/event.js'
import { sha256 } from '../../packages/auth-server/src/secret/sha256.js'
import type { Tables } from '../../packages/auth-server/src/tables/tables.js'
import { lockUser, newUser } from '../../packages/auth-server/src/users/users.js'
import { enrolAdminKey } from '../../packages/console/src/operator/admin-keys.js'
import { useInvitation } from '../../packages/user-desk/src/account/invitations.js'
import { linkIdentity, removeWay } from '../../packages/user-desk/src/login/identities.js'
import { addPasskey, findPasskey, usePasskey } from '../../packages/user-desk/src/passkey/passkey-store.js'
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

const never = (): never => {
  throw new Error('nothing is counted here')
}

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
  'browsers by one admin link': {
    most: 1,
    async act({ at }) {
      const secret = randomUUID()
      const link = { secret_hash: sha256(secret), name: 'ada', created: now, expires: now + 60 }
      await at(0).store.write(tx => tx.insertInto('auth_server_admin_links').values(link).execute())
      const ofNobody = {
        eventOf: () => undefined,
        shareOf: () => undefined,
        countedEvent: never,
        onEvent: () => undefined,
      }
      const open = (n: number) =>
        reportTo<Tables, AuthServerEvent>({ ...ofNobody, store: at(n).store, audit: undefined, now: () => now })
      const places = [open(0), open(1)]
      return burst(async n => {
        const place = places[n % 2] ?? open(n)
        const context = { ...place, now: () => now, idle: 60, life: 60 }
        return (await enrolAdminKey(context, { secret, thumbprint: `${n}` })) === 'ada'
      })
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
