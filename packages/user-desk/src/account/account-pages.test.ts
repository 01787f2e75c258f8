import type { UpstreamAccount } from '@countersign/auth-server'
import { verifies } from '@countersign/requirements'
import type { Browser } from '@countersign/testing/auth/browser'
import { type Account, formAt, type PasskeyWorld, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import type { LoginProvider } from '../login/login-method.js'

const newFile = sqliteFiles()

interface FakeProvider {
  readonly method: LoginProvider
  /** Who signs in next. */
  next: UpstreamAccount
}

/** A provider at which a test says who signs in. */
function provider(clock: () => number): FakeProvider {
  const one: FakeProvider = {
    next: { issuer: 'https://corp.example', subject: 'ada', claims: { name: 'Ada', email: 'ada@corp.example' } },
    method: {
      id: 'corp',
      name: 'Corp',
      begin: async ({ state, reauthenticate }) => ({
        url: `https://corp.example/?state=${state}&again=${reauthenticate ?? false}`,
        saved: { again: reauthenticate === true ? '1' : '0' },
      }),
      finish: async ({ saved }) => ({ ...one.next, ...(saved['again'] === '1' ? { verifiedAt: clock() } : {}) }),
    },
  }
  return one
}

async function place(): Promise<PasskeyWorld & { corp: FakeProvider }> {
  const clock = { now: 1_767_225_600 }
  const corp = provider(() => clock.now)
  return { ...(await passkeyWorld({ database: newFile(), login: [corp.method], clock })), corp }
}

const stateOf = (response: Response): string =>
  new URL(response.headers.get('location') ?? '').searchParams.get('state') ?? ''
const backAt = (one: Browser, state: string): Promise<Response> => one.get(`/login/callback/corp?state=${state}&code=x`)
const textOf = async (one: Browser, target: string): Promise<string> => (await one.get(target)).text()
const reasonOf = async (response: Response): Promise<[number, string | undefined]> => [
  response.status,
  /data-reason="([a-z_]+)"/.exec(await response.text())?.[1],
]

/** Signs in at the provider. */
async function atCorp(at: PasskeyWorld, query = 'return_to=/account'): Promise<Browser> {
  const one = at.visitor()
  await backAt(one, stateOf(await one.get(`/login/start/corp?${query}`)))
  return one
}

/** Verifies the user by their passkey. */
async function verified({ one, passkey }: Pick<Account, 'one' | 'passkey'>): Promise<void> {
  const { action, options, fields } = await formAt(one, '/account/verify')
  await one.post(action, { ...fields, credential: passkey.signed(options) })
}

const post = async (one: Browser, path: string, fields: Record<string, string> = {}): Promise<Response> =>
  one.post(path, { csrf: await one.csrf('/account/sign-in'), ...fields })

describe('linking an account at a provider', () => {
  test('lets the user sign in with it from then on', async () => {
    const at = await place()
    const ada = await at.account('Ada Lovelace')
    const sent = await post(ada.one, '/account/link', { provider: 'corp' })
    expect((await backAt(ada.one, stateOf(sent))).headers.get('location')).toBe('/account/sign-in')
    expect(await textOf(ada.one, '/account/sign-in')).toContain('ada@corp.example')
    const elsewhere = await atCorp(at)
    expect(await textOf(elsewhere, '/account/sign-in')).toContain('on one device only')
    expect(at.events.filter(({ type }) => type === 'provider_linked')).toHaveLength(1)
  })

  test(
    verifies('ACC-07', 'account.link', "never takes an account that is another user's, nor joins by e-mail address"),
    async () => {
      const at = await place()
      const hers = await atCorp(at)
      const bob = await at.account('Bob')
      const sent = await post(bob.one, '/account/link', { provider: 'corp' })
      expect(await reasonOf(await backAt(bob.one, stateOf(sent)))).toEqual([400, 'account_not_linked'])
      expect(await textOf(bob.one, '/account/sign-in')).not.toContain('ada@corp.example')
      // The same address at the provider, verified there, and another subject: another user.
      at.corp.next = { ...at.corp.next, subject: 'other', claims: { ...at.corp.next.claims, email_verified: true } }
      const other = await atCorp(at)
      for (const one of [hers, other]) expect(await textOf(one, '/account')).toContain('ada@corp.example')
      expect(new Set(at.events.flatMap(event => (event.type === 'signed_in' ? [event.sub] : []))).size).toBe(2)
    },
  )

  test(verifies('ACC-07', 'begun in one browser or session is not finished in another'), async () => {
    const at = await place()
    const [ada, bob] = [await at.account('Ada'), await at.account('Bob')]
    const state = stateOf(await post(ada.one, '/account/link', { provider: 'corp' }))
    expect(await reasonOf(await backAt(bob.one, state))).toEqual([403, 'sign_in_invalid'])
    // Bob signs in in Ada's browser meanwhile.
    const { action, options, fields } = await (async () => {
      await post(ada.one, '/logout', { return_to: '/account' })
      return formAt(ada.one, '/login?return_to=/account')
    })()
    await ada.one.post(action, { ...fields, credential: bob.passkey.signed(options) })
    expect(await reasonOf(await backAt(ada.one, state))).toEqual([400, 'account_not_linked'])
    for (const { one } of [ada, bob]) expect(await textOf(one, '/account/sign-in')).not.toContain('ada@corp.example')
  })

  test(verifies('account.fresh', 'needs a fresh verification, and a passkey gives it'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    at.made.clock.now += 61
    const sent = await post(ada.one, '/account/link', { provider: 'corp' })
    expect(sent.headers.get('location')).toBe('/account/verify?return_to=%2Faccount%2Fsign-in')
    await verified(ada)
    expect((await post(ada.one, '/account/link', { provider: 'corp' })).headers.get('location')).toContain(
      'corp.example',
    )
  })
})

describe('a fresh verification', () => {
  test(verifies('account.fresh', 'without a passkey comes from the provider, where it says so'), async () => {
    const at = await place()
    const one = await atCorp(at)
    const add = () => post(one, '/account/passkeys/add', { credential: '{}' })
    expect((await add()).status).toBe(303)
    const page = await textOf(one, '/account/verify?return_to=/account/sign-in')
    const [, href = ''] = /href="(\/login\/start\/corp[^"]+)"/.exec(page) ?? []
    expect(href).toContain('again=1')
    await backAt(one, stateOf(await one.get(href.replaceAll('&amp;', '&'))))
    expect(await reasonOf(await add())).toEqual([400, 'passkey_invalid'])
    const { options, fields, action } = await formAt(one, '/account/sign-in')
    const passkey = at.newPasskey()
    await one.post(action, { ...fields, name: 'Key', credential: passkey.created(options) })
    expect(await textOf(one, '/account/sign-in')).toContain('Key')
    // The provider still verifies them: they may lose the passkey.
    at.made.clock.now += 61
    await backAt(one, stateOf(await one.get(href.replaceAll('&amp;', '&'))))
    expect((await add()).status).toBe(400)
    at.made.clock.now += 61
    expect((await add()).status).toBe(303)
    expect(await textOf(one, '/account/verify')).toContain('/login/start/corp')
    await verified({ one, passkey })
    expect((await add()).status).toBe(400)
  })
})

describe('removing a way to sign in', () => {
  test(verifies('ACC-07', 'account.last-way', 'works for all but the last one'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const last = await post(ada.one, '/account/ways/remove', { passkey: ada.passkey.id })
    expect(await reasonOf(last)).toEqual([400, 'sign_in_way_last'])
    await backAt(ada.one, stateOf(await post(ada.one, '/account/link', { provider: 'corp' })))
    expect((await post(ada.one, '/account/ways/remove', { passkey: ada.passkey.id })).status).toBe(303)
    const corp = { issuer: 'https://corp.example', subject: 'ada' }
    expect(await reasonOf(await post(ada.one, '/account/ways/remove', corp))).toEqual([400, 'sign_in_way_last'])
    expect(await textOf(await atCorp(at), '/account/sign-in')).toContain('Passkey removed')
  })

  test("reaches nothing of another user's", async () => {
    const at = await place()
    const [ada, bob] = [await at.account('Ada'), await at.account('Bob')]
    const theirs = await post(bob.one, '/account/ways/remove', { passkey: ada.passkey.id })
    const unknown = await post(bob.one, '/account/ways/remove', { passkey: 'unknown' })
    expect([theirs.status, await theirs.text()]).toEqual([unknown.status, await unknown.text()])
    expect(await textOf(ada.one, '/account/sign-in')).toContain(ada.passkey.id)
  })

  test('of the account at a provider that the user first came with lets it sign in a new user', async () => {
    const at = await place()
    const one = await atCorp(at, 'return_to=/account&again=1')
    const { options, fields, action } = await formAt(one, '/account/sign-in')
    const passkey = at.newPasskey()
    await one.post(action, { ...fields, name: 'Key', credential: passkey.created(options) })
    await verified({ one, passkey })
    const corp = { issuer: 'https://corp.example', subject: 'ada' }
    expect((await post(one, '/account/ways/remove', corp)).status).toBe(303)
    const [first, second] = [await textOf(one, '/account/sign-in'), await textOf(await atCorp(at), '/account/sign-in')]
    expect(first).toContain('on one device only')
    expect(second).toContain('You have none yet.')
  })
})

describe('sessions', () => {
  test('are listed by browser, and ended one by one or all but this one', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const others = [await signedIn(at, ada), await signedIn(at, ada), await signedIn(at, ada)]
    const isIn = async (one: Browser) => (await textOf(one, '/account')).includes('Agents with access')
    const page = await textOf(ada.one, '/account/sign-in')
    expect(page.match(/<b>Unknown browser/g)).toHaveLength(4)
    const [, id = ''] = /name="session" value="([^"]+)"/.exec(page) ?? []
    await post(ada.one, '/account/sessions/end', { session: id })
    expect((await Promise.all(others.map(isIn))).filter(in_ => in_)).toHaveLength(2)
    await post(ada.one, '/account/sessions/end')
    expect(await Promise.all([...others, ada.one].map(isIn))).toEqual([false, false, false, true])
  })

  test("of another user's go on", async () => {
    const at = await place()
    const [ada, bob] = [await at.account('Ada'), await at.account('Bob')]
    await signedIn(at, ada)
    const [, id = ''] = /name="session" value="([^"]+)"/.exec(await textOf(ada.one, '/account/sign-in')) ?? []
    await post(bob.one, '/account/sessions/end', { session: id })
    await post(bob.one, '/account/sessions/end')
    expect((await textOf(ada.one, '/account/sign-in')).match(/<b>Unknown browser/g)).toHaveLength(2)
  })
})

async function signedIn(at: PasskeyWorld, { passkey }: Account): Promise<Browser> {
  const one = at.visitor()
  const { action, options, fields } = await formAt(one, '/login?return_to=/account')
  await one.post(action, { ...fields, credential: passkey.signed(options) })
  return one
}

describe('the data of a user', () => {
  test('is handed out as JSON, without a secret', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const response = await ada.one.get('/account/export')
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="account.json"')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const data = await response.json()
    expect(data).toMatchObject({
      sub: ada.sub,
      claims: { name: 'Ada' },
      passkeys: [{ name: 'Passkey', backed_up: false }],
      history: [{ what: 'account_created' }],
      grants: [],
    })
    for (const [, value] of ada.one.cookies) expect(JSON.stringify(data)).not.toContain(value)
    expect((await at.visitor().get('/account/export')).headers.get('content-disposition')).toBeNull()
  })

  test(
    verifies('account.session-alone', 'needs the session alone, as do the inbox and signing out everywhere'),
    async () => {
      const at = await place()
      const ada = await at.account('Ada')
      const other = await signedIn(at, ada)
      const isShown = async (one: Browser) =>
        (await one.get('/account/export')).headers.get('content-disposition') !== null
      at.made.clock.now += 61
      expect([await isShown(ada.one), await isShown(other)]).toEqual([true, true])
      const turned = await post(ada.one, '/account/approvals/inbox', { turn: 'on' })
      expect(turned.headers.get('location')).toBe('/account/approvals?done=on')
      await post(ada.one, '/account/sessions/end')
      expect([await isShown(ada.one), await isShown(other)]).toEqual([true, false])
      // The twin: the end of the account needs a verification of the last minute.
      const deleted = await post(ada.one, '/account/delete', { sure: '1' })
      expect(deleted.headers.get('location')).toMatch(/^\/account\/verify\?/)
    },
  )

  test(verifies('account.deleted', 'is deleted after a fresh verification, when the user is sure'), async () => {
    const at = await place()
    const [ada, bob] = [await at.account('Ada'), await at.account('Bob')]
    at.made.clock.now += 61
    const unverified = await post(ada.one, '/account/delete', { sure: '1' })
    expect(unverified.headers.get('location')).toBe('/account/verify?return_to=%2Faccount%2Fdata')
    await verified(ada)
    expect((await post(ada.one, '/account/delete')).status).toBe(400)
    const deleted = await post(ada.one, '/account/delete', { sure: '1' })
    expect([deleted.status, await deleted.text()]).toEqual([200, expect.stringContaining('Account deleted')])
    expect(await textOf(ada.one, '/account')).toContain('Sign in')
    const one = at.visitor()
    const { action, options, fields } = await formAt(one, '/login?return_to=/account')
    expect((await one.post(action, { ...fields, credential: ada.passkey.signed(options) })).status).toBe(400)
    expect(await textOf(bob.one, '/account/sign-in')).toContain('on one device only')
    expect(at.events.some(({ type }) => type === 'account_deleted')).toBe(true)
  })
})
