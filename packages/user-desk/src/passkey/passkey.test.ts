import { verifies } from '@countersign/requirements'
import type { Lies } from '@countersign/testing/auth/authenticator'
import { reasonOf } from '@countersign/testing/auth/browser'
import {
  type Account,
  formAt,
  formIn,
  issuer,
  type PasskeyWorld,
  passkeyWorld,
} from '@countersign/testing/auth/passkey-world'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'

const newFile = sqliteFiles()
const place = (): Promise<PasskeyWorld> => passkeyWorld({ database: newFile() })

/** Signs in with a passkey in a new browser; resolves with the status and what `/account` then says. */
async function signIn(at: PasskeyWorld, { passkey }: Account, lies: Lies = {}): Promise<[number, string]> {
  const one = at.visitor()
  const { action, options, fields } = await formAt(one, '/login?return_to=/account')
  const response = await one.post(action, { ...fields, credential: passkey.signed(options, lies) })
  const account = await (await one.get('/account')).text()
  const reason = await reasonOf(response)
  return [response.status, reason ?? (account.includes('Agents with access') ? 'signed in' : 'not signed in')]
}

const refused = [400, 'passkey_invalid']
const accepted = [303, 'signed in']

describe('a passkey', () => {
  test('makes an account by a link, once, and signs its user in again', async () => {
    const at = await place()
    const target = await at.link()
    const [one, two] = [at.visitor(), at.newPasskey()]
    const form = await formAt(one, target)
    const credential = two.created(form.options)
    const made = await one.post(form.action, { ...form.fields, name: 'Ada Lovelace', credential })
    expect([made.status, made.headers.get('location')]).toEqual([303, '/account'])
    expect(await (await one.get('/account')).text()).toContain('Ada Lovelace')
    const again = await at.visitor().get(target)
    expect([again.status, await again.text()]).toEqual([
      400,
      expect.stringContaining('data-reason="invitation_invalid"'),
    ])
    const sub = Buffer.from(form.options.user?.id ?? '', 'base64url').toString()
    expect(await signIn(at, { one, passkey: two, sub })).toEqual(accepted)
    expect(at.events.map(({ type }) => type)).toEqual(['account_created', 'refused', 'signed_in'])
  })

  test(
    verifies('ACC-03', 'account.passkey', 'for another origin, site, purpose or frame signs nobody in'),
    async () => {
      const at = await place()
      const ada = await at.account('Ada')
      const wrong: Lies[] = [
        { origin: 'https://auth.example.evil.example' },
        { origin: 'http://auth.example' },
        { origin: 'https://auth.example:8443' },
        { origin: 'https://login.auth.example' },
        { rpId: 'evil.example' },
        { type: 'webauthn.create' },
        { crossOrigin: true },
      ]
      for (const lies of wrong) expect(await signIn(at, ada, lies), JSON.stringify(lies)).toEqual(refused)
      expect(await signIn(at, ada)).toEqual(accepted)
    },
  )

  test(verifies('ACC-04', 'without user presence or verification signs nobody in, and verifies nobody'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    for (const without of [1, 4, 5]) expect(await signIn(at, ada, { without })).toEqual(refused)
    at.made.clock.now += 61
    const isFresh = async () => !(await (await ada.one.get('/account/data')).text()).includes('Confirm that it is you')
    const verify = async (lies: Lies) => {
      const { action, options, fields } = await formAt(ada.one, '/account/verify?return_to=/account/data')
      return (await ada.one.post(action, { ...fields, credential: ada.passkey.signed(options, lies) })).status
    }
    for (const without of [1, 4]) expect([await verify({ without }), await isFresh()]).toEqual([400, false])
    expect([await verify({}), await isFresh()]).toEqual([303, true])
    at.made.clock.now += 61
    expect(await isFresh()).toBe(false)
  })

  test(
    verifies('ACC-05', 'account.counter', 'whose counter does not grow is refused, and its user sees that'),
    async () => {
      const at = await place()
      const ada = await at.account('Ada')
      const pageOf = async () => (await ada.one.get('/account/sign-in')).text()
      expect(await signIn(at, ada, { count: 0 })).toEqual(accepted)
      expect(await signIn(at, ada, { count: 5 })).toEqual(accepted)
      const words = 'Refused: the counter of this passkey went back'
      expect(await pageOf()).not.toContain(words)
      for (const count of [5, 4, 0]) expect(await signIn(at, ada, { count })).toEqual([400, 'passkey_copied'])
      expect(at.events.filter(({ type }) => type === 'passkey_copied')).toHaveLength(3)
      expect((await pageOf()).split(words)).toHaveLength(4)
      expect(await signIn(at, ada, { count: 6 })).toEqual(accepted)
    },
  )

  test('that does not count is accepted each time', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    for (let time = 0; time < 3; time++) expect(await signIn(at, ada, { count: 0 })).toEqual(accepted)
  })

  test(
    verifies('ACC-06', 'account.challenge', 'answers a challenge once, in its browser, within five minutes'),
    async () => {
      const at = await place()
      const ada = await at.account('Ada')
      const [one, other] = [at.visitor(), at.visitor()]
      const form = await formAt(one, '/login?return_to=/account')
      const theirs = await formAt(other, '/login?return_to=/account')
      const credential = ada.passkey.signed(form.options)
      const post = async (browser: typeof one, fields: Record<string, string>, text: string) =>
        (await browser.post('/login/passkey', { ...fields, credential: text })).status
      expect(await post(other, theirs.fields, credential)).toBe(400)
      expect(await post(one, form.fields, credential)).toBe(303)
      // The page has a new session by now; the challenge is that of before.
      const { csrf = '' } = (await formAt(one, '/account/verify', '/account/verify')).fields
      expect(await post(one, { ...form.fields, csrf }, credential)).toBe(400)
      at.made.clock.now += 360
      expect(await post(other, theirs.fields, ada.passkey.signed(theirs.options))).toBe(400)
      const later = await formAt(other, '/login?return_to=/account')
      expect(await post(other, later.fields, ada.passkey.signed(later.options))).toBe(303)
    },
  )

  test(verifies('ACC-06', 'a challenge that the browser chose, or of another purpose, is none'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const verification = await formAt(ada.one, '/account/verify')
    const chosen = Buffer.alloc(54, 7).toString('base64url')
    for (const challenge of [chosen, verification.options.challenge, `${verification.options.challenge}A`])
      expect(await signIn(at, ada, { challenge })).toEqual(refused)
  })

  test(
    verifies('ACC-06', 'account.credential', 'that an account has already is not registered by another'),
    async () => {
      const at = await place()
      const ada = await at.account('Ada')
      const one = at.visitor()
      const form = await formAt(one, await at.link())
      const theirs = at.newPasskey().created(form.options, { id: ada.passkey.id })
      const response = await one.post(form.action, { ...form.fields, name: 'Bob', credential: theirs })
      expect([response.status, await response.text()]).toEqual([
        400,
        expect.stringContaining('data-reason="passkey_invalid"'),
      ])
      // The link was not used up, and Ada's passkey is hers.
      const again = await one.post(form.action, {
        ...form.fields,
        name: 'Bob',
        credential: at.newPasskey().created(form.options),
      })
      expect(again.status).toBe(303)
      expect(await signIn(at, ada)).toEqual(accepted)
    },
  )

  test('of another user, or of none, verifies nobody', async () => {
    const at = await place()
    const [ada, bob] = [await at.account('Ada'), await at.account('Bob')]
    const { action, options, fields } = await formAt(ada.one, '/account/verify')
    const post = async (credential: string) => (await ada.one.post(action, { ...fields, credential })).status
    expect(await post(bob.passkey.signed(options))).toBe(400)
    const { userHandle } = JSON.parse(bob.passkey.signed(options)).response as { userHandle: string }
    expect(await post(ada.passkey.signed(options, { userHandle }))).toBe(400)
    expect(await post(ada.passkey.signed(options, { id: bob.passkey.id }))).toBe(400)
    for (const text of ['', '{}', '[]', 'null', '{"id":1}', `{"id":"${'a'.repeat(9000)}"}`])
      expect(await post(text)).toBe(400)
    expect(await post(ada.passkey.signed(options))).toBe(303)
  })

  test('with certificates is refused: the library would fetch what they name', async () => {
    const at = await place()
    const one = at.visitor()
    const form = await formAt(one, await at.link())
    const post = async (change: (bytes: string) => string) => {
      const credential = JSON.parse(at.newPasskey().created(form.options))
      const bytes = Buffer.from(credential.response.attestationObject, 'base64url').toString('latin1')
      credential.response.attestationObject = Buffer.from(change(bytes), 'latin1').toString('base64url')
      return one.post(form.action, { ...form.fields, name: 'Eve', credential: JSON.stringify(credential) })
    }
    // { "x5c": [] } in place of {}; then formats that hold certificates elsewhere.
    const changes: Array<(bytes: string) => string> = [
      bytes => bytes.replace('dnone', 'fpacked').replace('attStmt\xa0', 'attStmt\xa1cx5c\x80'),
      ...['qandroid-safetynet', 'kandroid-key', 'ctpm', 'hfido-u2f', 'eapple', 'cxyz'].map(
        format => (bytes: string) => bytes.replace('dnone', format),
      ),
    ]
    for (const change of changes) {
      expect((await post(change)).status).toBe(400)
      expect(at.events.at(-1)).toMatchObject({ type: 'refused', cause: { fault: 'an attestation with certificates' } })
    }
    expect((await post(bytes => bytes)).status).toBe(303)
  })
})

describe('making an account', () => {
  const invited = async (at: PasskeyWorld) => (await at.visitor().get(await at.link())).status
  const uninvited = async (at: PasskeyWorld) => (await at.visitor().get('/account/new')).status

  test('is as the operator decides: open, by invitation, or only at a provider', async () => {
    const at = (accounts: 'open' | 'invitation') => passkeyWorld({ database: newFile(), accounts })
    const [open, invitation] = [await at('open'), await at('invitation')]
    expect([await uninvited(open), await invited(open)]).toEqual([200, 200])
    expect([await uninvited(invitation), await invited(invitation)]).toEqual([400, 200])
    expect(await (await open.visitor().get('/login')).text()).toContain('Make an account')
    expect(await (await invitation.visitor().get('/login')).text()).not.toContain('Make an account')
    await expect(passkeyWorld({ database: newFile(), accounts: 'openid' })).rejects.toThrow(TypeError)
  })

  test('a link ends after a day', async () => {
    const at = await place()
    const target = await at.link()
    at.made.clock.now += 86_401
    expect((await at.visitor().get(target)).status).toBe(400)
  })

  test('needs a name, and the same browser', async () => {
    const at = await place()
    const one = at.visitor()
    const form = await formAt(one, await at.link())
    const credential = at.newPasskey().created(form.options)
    expect((await one.post(form.action, { ...form.fields, name: '\u200b', credential })).status).toBe(400)
    expect((await at.visitor().post(form.action, { ...form.fields, name: 'Eve', credential })).status).toBe(403)
    expect((await one.post(form.action, { ...form.fields, sub: 'other', name: 'Eve', credential })).status).toBe(400)
    expect((await one.post(form.action, { ...form.fields, name: 'Ada', credential })).status).toBe(303)
  })
})

describe('a link of the operator', () => {
  test('gives a user who lost all passkeys a new one, and nobody else', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const [one, passkey] = [at.visitor(), at.newPasskey()]
    const form = await formAt(one, await at.link(ada.sub))
    const response = await one.post(form.action, { ...form.fields, credential: passkey.created(form.options) })
    expect(response.status).toBe(303)
    const page = await (await one.get('/account/sign-in')).text()
    expect(page).toContain('Passkey added by a link of the operator')
    expect(await signIn(at, { ...ada, passkey })).toEqual(accepted)
    await expect(at.link('nobody')).rejects.toThrow('there is no such user')
  })
})

describe('the pages with passkeys', () => {
  test('run one script, by its hash, and no other page runs any', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const policyOf = async (target: string) => (await ada.one.get(target)).headers.get('content-security-policy') ?? ''
    for (const target of ['/login', '/account/sign-in', '/account/verify'])
      expect(await policyOf(target)).toMatch(/script-src 'sha256-[\w+/=]{44}'; style-src/)
    for (const target of ['/account', '/account/data', '/logout'])
      expect(await policyOf(target)).not.toContain('script-src')
  })

  test('name this auth server, and ask for user verification', async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const { options } = formIn(await (await ada.one.get('/account/sign-in')).text())
    expect(options).toMatchObject({
      rp: { id: new URL(issuer).hostname },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ id: ada.passkey.id }],
    })
  })
})
