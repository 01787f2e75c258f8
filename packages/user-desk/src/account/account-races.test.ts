import type { UpstreamAccount } from '@countersign/auth-server'
import { migrations, room, type Tables } from '@countersign/auth-server/internal'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { type Browser, reasonOf } from '@countersign/testing/auth/browser'
import { type Account, formAt, type PasskeyWorld, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import type { LoginProvider } from '../login/login-method.js'

// What a user, or somebody at their unlocked screen, does between the steps of a flow.

const newFile = sqliteFiles()

interface Place extends PasskeyWorld {
  /** The provider answers once this resolves. */
  until: Promise<void>
  verifiedAt: number | undefined
  next: UpstreamAccount
}

async function place(): Promise<Place> {
  const method: LoginProvider = {
    id: 'corp',
    name: 'Corp',
    begin: async ({ state }) => ({ url: `https://corp.example/?state=${state}`, saved: {} }),
    async finish() {
      await at.until
      return { ...at.next, ...(at.verifiedAt === undefined ? {} : { verifiedAt: at.verifiedAt }) }
    },
  }
  const made = await passkeyWorld({ database: newFile(), login: [method] })
  const claims = { name: 'Boss', email: 'boss@corp.example', email_verified: true }
  const next = { issuer: 'https://corp.example', subject: 'boss', claims }
  const at: Place = { ...made, until: Promise.resolve(), verifiedAt: undefined, next }
  return at
}

const stateOf = (response: Response): string =>
  new URL(response.headers.get('location') ?? '').searchParams.get('state') ?? ''
const back = (one: Browser, state: string) => one.get(`/login/callback/corp?state=${state}&code=x`)
const post = async (one: Browser, path: string, fields: Record<string, string> = {}) =>
  one.post(path, { csrf: await one.csrf('/account/sign-in'), ...fields })
const textOf = async (one: Browser, target: string) => (await one.get(target)).text()

async function verified({ one, passkey }: Account): Promise<void> {
  const { action, options, fields } = await formAt(one, '/account/verify')
  await one.post(action, { ...fields, credential: passkey.signed(options) })
}

async function rowsOf({ database }: Place) {
  const store = await openStore<Tables>({ url: database, room, migrations })
  const tables = ['auth_server_users', 'auth_server_identities', 'auth_server_history', 'auth_server_passkeys'] as const
  const counts = await Promise.all(
    tables.map(async table => (await store.db.selectFrom(table).selectAll().execute()).length),
  )
  await store.close()
  return counts
}

test(
  verifies(
    'account.fresh',
    'account.link',
    'a link that was not begun after a verification is none, whatever the cookie says',
  ),
  async () => {
    const at = await place()
    const ada = await at.account('Ada')
    at.made.clock.now += 1000
    expect((await post(ada.one, '/account/link', { provider: 'corp' })).headers.get('location')).toContain(
      '/account/verify',
    )
    const state = stateOf(await ada.one.get('/login/start/corp?return_to=/account/sign-in'))
    for (const [name, value] of ada.one.cookies) {
      if (!name.includes('-login-')) continue
      const attempt = JSON.parse(Buffer.from(value, 'base64url').toString())
      ada.one.cookies.set(name, Buffer.from(JSON.stringify({ ...attempt, links: true })).toString('base64url'))
    }
    expect(await reasonOf(await back(ada.one, state))).toBe('account_not_linked')
    // The twin: after a verification.
    await verified(ada)
    const begun = stateOf(await post(ada.one, '/account/link', { provider: 'corp' }))
    expect((await back(ada.one, begun)).status).toBe(303)
    expect(await textOf(ada.one, '/account/sign-in')).toContain('boss@corp.example')
  },
)

describe('an account that is deleted while something is under way', () => {
  test(verifies('account.deleted', 'gets no account at a provider any more'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const state = stateOf(await post(ada.one, '/account/link', { provider: 'corp' }))
    let answer = (): void => undefined
    at.until = new Promise(resolve => {
      answer = () => resolve()
    })
    const linking = back(ada.one, state)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect((await post(ada.one, '/account/delete', { sure: '1' })).status).toBe(200)
    answer()
    expect(await reasonOf(await linking)).toBe('account_not_linked')
    expect(await rowsOf(at)).toEqual([0, 0, 0, 0])
  })

  test(verifies('account.deleted', 'gets no passkey any more'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const { action, options, fields } = await formAt(ada.one, '/account/sign-in', '/account/passkeys/add')
    const credential = at.newPasskey().created(options)
    const { csrf = '' } = fields
    const [added, deleted] = await Promise.all([
      ada.one.post(action, { ...fields, name: 'Key', credential }),
      ada.one.post('/account/delete', { csrf, sure: '1' }),
    ])
    expect([303, 400]).toContain(added.status)
    expect(deleted.status).toBe(200)
    expect(await rowsOf(at)).toEqual([0, 0, 0, 0])
  })
})

describe('an account at a provider', () => {
  test('that is unlinked vouches for nothing any more', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    await back(ada.one, stateOf(await post(ada.one, '/account/link', { provider: 'corp' })))
    const elsewhere = at.visitor()
    await back(elsewhere, stateOf(await elsewhere.get('/login/start/corp?return_to=/account')))
    expect(await textOf(ada.one, '/account')).toContain('boss@corp.example')
    await post(ada.one, '/account/ways/remove', { issuer: at.next.issuer, subject: at.next.subject })
    expect(await textOf(ada.one, '/account')).not.toContain('boss@corp.example')
    expect(await textOf(ada.one, '/account')).toContain('Boss')
  })

  test(verifies('account.fresh', 'verifies a user who has lost the passkey, as of when it did'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    await back(ada.one, stateOf(await post(ada.one, '/account/link', { provider: 'corp' })))
    at.made.clock.now += 1000
    const again = async (): Promise<boolean> => {
      const page = await textOf(ada.one, '/account/verify?return_to=/account/sign-in')
      const [, href = ''] = /href="(\/login\/start\/corp[^"]+)"/.exec(page) ?? []
      await back(ada.one, stateOf(await ada.one.get(href.replaceAll('&amp;', '&'))))
      return !(await textOf(ada.one, '/account/sign-in')).includes('Confirm that it is you')
    }
    expect(await again()).toBe(false)
    at.verifiedAt = at.made.clock.now - 61
    expect(await again()).toBe(false)
    at.verifiedAt = at.made.clock.now - 30
    expect(await again()).toBe(true)
    at.made.clock.now += 31
    expect(await textOf(ada.one, '/account/sign-in')).toContain('Confirm that it is you')
    at.verifiedAt = at.made.clock.now
    expect(await again()).toBe(true)
    expect((await post(ada.one, '/account/ways/remove', { passkey: ada.passkey.id })).status).toBe(303)
  })
})
