import { verifies } from '@countersign/requirements'
import { type Browser, reasonOf } from '@countersign/testing/auth/browser'
import { type Account, formAt, issuer, type PasskeyWorld, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { accountRoutes } from './account-routes.js'

// The attacks on pages and forms, and on what is logged, over the pages of accounts; each with its accepted twin.

const newFile = sqliteFiles()
const place = (): Promise<PasskeyWorld> => passkeyWorld({ database: newFile(), accounts: 'open' })

/** Every page that a browser can open, and every path that takes a form. */
const pages = ['/account', ...accountRoutes.flatMap(({ path, methods }) => (methods.includes('GET') ? [path] : []))]
const forms = [
  '/account/take-back',
  '/login/passkey',
  ...accountRoutes.flatMap(({ path, methods }) => (methods.includes('POST') ? [path] : [])),
]

const csrfOf = (one: Browser): Promise<string> => one.csrf('/account')

describe('a form of an account page', () => {
  test(verifies('UIX-05', 'ACC-02', 'counts only from this page, in this session'), async () => {
    const at = await place()
    const [ada, eve] = [await at.account('Ada'), await at.account('Eve')]
    const [own, theirs] = [await csrfOf(ada.one), await csrfOf(eve.one)]
    const tries: ReadonlyArray<readonly [Record<string, string>, Record<string, string>?]> = [
      [{}],
      [{ csrf: 'x' }],
      [{ csrf: theirs }],
      [{ csrf: own }, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
      [{ csrf: own }, { origin: 'null', 'sec-fetch-site': 'cross-site' }],
      [{ csrf: own }, { origin: 'https://sub.auth.example', 'sec-fetch-site': 'same-site' }],
    ]
    for (const path of forms)
      for (const [fields, headers] of tries) {
        const response = await ada.one.post(path, { sure: '1', what: 'all', ...fields }, headers)
        expect([response.status, await reasonOf(response)], path).toEqual([403, 'page_not_from_here'])
      }
    expect(await (await ada.one.get('/account')).text()).toContain('Ada')
    // The twin: the same form, with all that a page of ours sends along.
    expect((await ada.one.post('/account/delete', { csrf: own, sure: '1' })).status).toBe(200)
  })

  test(verifies('TOK-02', 'TOK-07', 'that is too large, or names a field twice, is refused'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const csrf = await csrfOf(ada.one)
    const sent = async (path: string, body: string) => {
      const cookie = [...ada.one.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const headers: Array<[string, string]> = [
        ['host', 'auth.example'],
        ['content-type', 'application/x-www-form-urlencoded'],
        ['origin', issuer],
        ['sec-fetch-site', 'same-origin'],
        ['cookie', cookie],
      ]
      const message = { method: 'POST', target: path, headers, body: new TextEncoder().encode(body), peer: '192.0.2.9' }
      return (await at.made.auth.handle(message)).status
    }
    for (const path of forms) {
      expect(await sent(path, `csrf=${csrf}&x=${'a'.repeat(70_000)}`), path).toBe(413)
      expect(await sent(path, `csrf=${csrf}&csrf=${csrf}`), path).toBe(400)
      expect(await sent(path, `csrf=${csrf}&%zz=1`), path).toBe(400)
      expect(await sent(path, '{}'), path).toBe(403)
    }
    expect(await sent('/account/sessions/end', `csrf=${csrf}`)).toBe(303)
  })

  test(verifies('UIX-24', 'is answered by 303, so that no browser sends it on'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const csrf = await csrfOf(ada.one)
    for (const path of ['/account/sessions/end', '/account/take-back', '/account/link'])
      expect([303, 400]).toContain((await ada.one.post(path, { csrf, what: 'all' })).status)
    const { action, options, fields } = await formAt(ada.one, '/account/verify')
    expect((await ada.one.post(action, { ...fields, credential: ada.passkey.signed(options) })).status).toBe(303)
  })
})

describe('an account page', () => {
  test(verifies('UIX-07', 'UIX-25', 'is framed by nobody, stored by no cache, and told to no other site'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const errors = ['/account/new?invitation=x', '/account/verify?return_to=//evil.example']
    for (const one of [ada.one, at.visitor()])
      for (const target of [...pages, ...errors]) {
        const { headers } = await one.get(target)
        if (headers.get('content-type')?.startsWith('text/html') !== true) continue
        expect(headers.get('content-security-policy'), target).toContain("frame-ancestors 'none'")
        expect(headers.get('content-security-policy'), target).toContain("default-src 'none'")
        expect(headers.get('x-frame-options'), target).toBe('DENY')
        expect(headers.get('referrer-policy'), target).toBe('no-referrer')
        expect(headers.get('cache-control'), target).toContain('no-store')
      }
  })

  test(verifies('UIX-08', 'shows the markup of names as text'), async () => {
    const at = await place()
    const hostile = `"><script>hacked=1</script><img src=x onerror=hacked=1>`
    const ada = await at.account(hostile)
    const { action, options, fields } = await formAt(ada.one, '/account/sign-in', '/account/passkeys/add')
    await ada.one.post(action, { ...fields, name: hostile, credential: at.newPasskey().created(options) })
    for (const target of pages.filter(path => path !== '/account/export')) {
      const html = await (await ada.one.get(target)).text()
      expect(html, target).not.toContain('<script>hacked')
      expect(html, target).not.toContain('<img src=x')
      expect(html.match(/<script/g)?.length ?? 0, target).toBeLessThanOrEqual(1)
    }
    expect(await (await ada.one.get('/account/sign-in')).text()).toContain('&lt;script&gt;hacked=1')
  })

  test(verifies('UIX-02', 'UIX-29', 'leads to no other site, and speaks no other language'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const leads = ['//evil.example', 'https://evil.example', '/\\evil.example', '/a\tb', 'javascript:1']
    for (const to of leads) {
      const query = new URLSearchParams({ return_to: to })
      expect((await ada.one.get(`/account/verify?${query}`)).status, to).toBe(400)
      expect((await formAt(at.visitor(), `/account/new?${query}`)).fields['return_to'], to).toBe('/account')
      const { action, options, fields } = await formAt(ada.one, '/account/verify')
      const credential = ada.passkey.signed(options)
      expect((await ada.one.post(action, { ...fields, return_to: to, credential })).status, to).toBe(400)
    }
    for (const to of ['../../etc/passwd', 'fr', '__proto__', 'constructor', ''])
      expect((await ada.one.get(`/language?${new URLSearchParams({ to, return_to: '/account' })}`)).status).toBe(400)
    expect((await ada.one.get('/language?to=de&return_to=/account')).status).toBe(303)
  })
})

describe('signing in with a passkey', () => {
  test(verifies('UIX-15', 'begins a new session, under a cookie that no other site or script gets'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const one = at.visitor()
    const { action, options, fields } = await formAt(one, '/login?return_to=/account')
    one.cookies.set('__Host-countersign-session', 'A'.repeat(43))
    await one.post(action, { ...fields, credential: ada.passkey.signed(options) })
    expect(one.cookies.get('__Host-countersign-session')).not.toBe('A'.repeat(43))
    const session = one.set.filter(line => line.startsWith('__Host-countersign-session='))
    expect(session.length).toBeGreaterThan(0)
    for (const line of session) expect(line).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Secure/)
  })

  test(verifies('TOK-35', 'says the same of an unknown passkey as of a wrong one'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const wrong = async (change: (form: Awaited<ReturnType<typeof formAt>>) => string) => {
      const one = at.visitor()
      const form = await formAt(one, '/login?return_to=/account')
      const response = await one.post(form.action, { ...form.fields, credential: change(form) })
      return [response.status, await response.text()]
    }
    const answers = [
      await wrong(({ options }) => at.newPasskey().signed(options)),
      await wrong(({ options }) => ada.passkey.signed(options, { without: 4 })),
      await wrong(({ options }) => ada.passkey.signed(options, { origin: 'https://evil.example' })),
      await wrong(({ options }) => at.newPasskey().signed(options, { id: ada.passkey.id })),
      await wrong(() => '{}'),
    ]
    expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
  })

  test(
    verifies('TOK-35', 'account.one-time-links', 'a link that is unknown, used or old gets one answer'),
    async () => {
      const at = await place()
      const [used, old] = [await at.link(), await at.link()]
      await makeAccount(at, used)
      at.made.clock.now += 86_401
      const targets = [used, old, `/account/new?invitation=${'A'.repeat(43)}`]
      const answers = await Promise.all(targets.map(async target => (await at.visitor().get(target)).text()))
      // The link to the other language repeats the address.
      expect(new Set(answers.map(html => html.replace(/return_to=[^"]*/, ''))).size).toBe(1)
    },
  )
})

async function makeAccount(at: PasskeyWorld, target: string): Promise<Account> {
  const [one, passkey] = [at.visitor(), at.newPasskey()]
  const { action, options, fields } = await formAt(one, target)
  await one.post(action, { ...fields, name: 'Grace', credential: passkey.created(options) })
  return { one, passkey, sub: '' }
}

test(
  verifies('LOG-02', 'LOG-03', 'each act is one event, and no event holds a challenge, link, cookie or key'),
  async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const secret = (await at.link(ada.sub)).split('=')[1] ?? 'none'
    await at.visitor().get(`/account/new?invitation=${secret}x`)
    const { action, options, fields } = await formAt(ada.one, '/account/verify')
    const credential = ada.passkey.signed(options)
    for (let time = 0; time < 2; time++) await ada.one.post(action, { ...fields, credential })
    const add = await formAt(ada.one, '/account/sign-in', '/account/passkeys/add')
    const second = at.newPasskey()
    await ada.one.post(add.action, { ...add.fields, name: 'Key', credential: second.created(add.options) })
    await ada.one.post('/account/ways/remove', { csrf: await csrfOf(ada.one), passkey: second.id })
    await ada.one.post('/account/delete', { csrf: await csrfOf(ada.one), sure: '1' })
    expect(at.events.map(({ type }) => type)).toEqual([
      'account_created',
      'refused',
      'refused',
      'passkey_added',
      'passkey_removed',
      'account_deleted',
    ])
    const told = JSON.stringify(at.events)
    const { signature, clientDataJSON } = JSON.parse(credential).response
    const secrets = [secret, options.challenge, fields['csrf'], signature, clientDataJSON, ...ada.one.cookies.values()]
    for (const each of secrets) {
      expect(String(each).length).toBeGreaterThan(20)
      expect(told).not.toContain(each)
    }
  },
)
