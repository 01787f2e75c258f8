import { verifies } from '@countersign/requirements'
import { type Browser, browser, reasonOf } from '@countersign/testing/auth/browser'
import { browserOf, consentWorld } from '@countersign/testing/auth/consent'
import { formAt, type PasskeyWorld, passkeyWorld } from '@countersign/testing/auth/passkey-world'
import { sqliteFiles } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { demoUsers } from '../login/login-method.js'

// Forms and links that no page of ours makes: each is refused as what it is, and changes nothing.

const newFile = sqliteFiles()
const place = (accounts: 'invitation' | 'open' | 'openid' = 'invitation'): Promise<PasskeyWorld> =>
  passkeyWorld({ database: newFile(), accounts })

/** The status of an answer and the reason that its page shows; of a redirect, where it leads. */
async function told(response: Response): Promise<readonly [number, string | null | undefined]> {
  if (response.status === 303) return [303, response.headers.get('location')]
  return [response.status, await reasonOf(response)]
}

/** Ada, signed in as a demo user where nobody has passkeys. */
async function demoAda(): Promise<{ one: Browser; csrf: string; visitor: Browser }> {
  const made = await consentWorld()
  const one = await browserOf(made, 'ada')
  return { one, csrf: await one.csrf('/account'), visitor: browser(made.auth, 'https://auth.example') }
}

const agent = 'https://agent.example'
const resource = 'https://calendar.example'

describe('the page of limits', () => {
  test.each([
    ['no agent', { resource }],
    ['an agent that is no identifier', { agent: 'agent', resource }],
    ['no resource', { agent }],
    ['a resource that is no identifier', { agent, resource: 'calendar' }],
  ])(verifies('consent.page', 'names an access: not with %s'), async (_, named) => {
    const { one, csrf } = await demoAda()
    const fields = Object.fromEntries(Object.entries(named))
    expect(await told(await one.get(`/account/limits?${new URLSearchParams(fields)}`))).toEqual([
      400,
      'form_incomplete',
    ])
    expect(await told(await one.post('/account/limits', { csrf, ...fields }))).toEqual([400, 'form_incomplete'])
    // An access that is named, and that nobody has.
    const unknown = await one.post('/account/limits', { csrf, agent, resource })
    expect(await told(unknown)).toEqual([404, 'form_incomplete'])
  })
})

describe('the inbox', () => {
  test(verifies('consent.page', 'is turned on or off, and nothing else'), async () => {
    const { one, csrf } = await demoAda()
    const turn = async (to: string) => told(await one.post('/account/approvals/inbox', { csrf, turn: to }))
    expect(await turn('on')).toEqual([303, '/account/approvals?done=on'])
    expect(await turn('perhaps')).toEqual([400, 'form_incomplete'])
    expect(await turn('')).toEqual([400, 'form_incomplete'])
    expect(await (await one.get('/account/export')).text()).toContain('"approvals_inbox":"on"')
  })

  test.each([
    ['no agent', { agent: '', resource }],
    ['an agent that is no identifier', { agent: 'agent', resource }],
    ['no resource', { agent, resource: '' }],
    ['a resource that is no identifier', { agent, resource: 'calendar' }],
  ])(verifies('consent.page', 'lets an agent ask again by name: not with %s'), async (_, named) => {
    const { one, csrf } = await demoAda()
    const again = (fields: Record<string, string>) => one.post('/account/approvals/allow', { csrf, ...fields })
    expect(await told(await again(named))).toEqual([400, 'form_incomplete'])
    expect(await told(await again({ agent, resource }))).toEqual([303, '/account/approvals?done=allowed'])
  })
})

describe('where nobody has passkeys', () => {
  test(verifies('consent.page', 'none is added, and none verifies its user'), async () => {
    const { one, csrf } = await demoAda()
    expect(await told(await one.post('/account/passkeys/add', { csrf, credential: '{}' }))).toEqual([
      400,
      'form_incomplete',
    ])
    const verify = { csrf, credential: '{}', return_to: '/account' }
    expect(await told(await one.post('/account/verify', verify))).toEqual([400, 'form_incomplete'])
  })

  test(verifies('account.credential', 'no link makes an account'), async () => {
    const at = await place()
    const target = await at.link()
    expect((await at.visitor().get(target)).status).toBe(200)
    const { auth } = await consentWorld({ database: at.database })
    const visitor = browser(auth, 'https://auth.example')
    expect(await told(await visitor.get(target))).toEqual([400, 'invitation_invalid'])
  })
})

test(verifies('consent.page', 'a form of an account page is refused once its user has signed out'), async () => {
  const { one, visitor } = await demoAda()
  for (const [path, from] of [
    ['/account/delete', '/login?return_to=/account'],
    ['/account/sessions/end', '/login?return_to=/account'],
  ] as const) {
    const csrf = await visitor.csrf(from)
    expect(await told(await visitor.post(path, { csrf, sure: '1', what: 'all' }))).toEqual([403, 'signed_out'])
  }
  expect((await one.get('/account')).status).toBe(200)
})

describe('a way to sign in', () => {
  test(verifies('account.passkey', 'is added once'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const second = at.newPasskey()
    const add = async () => {
      const { action, options, fields } = await formAt(ada.one, '/account/sign-in', '/account/passkeys/add')
      return told(await ada.one.post(action, { ...fields, name: 'Key', credential: second.created(options) }))
    }
    expect(await add()).toEqual([303, '/account/sign-in'])
    expect(await add()).toEqual([400, 'passkey_invalid'])
  })

  test(verifies('consent.page', 'is removed by its name, and only one that there is'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    const csrf = await ada.one.csrf('/account')
    for (const named of [
      {},
      { passkey: 'unknown' },
      { issuer: 'https://login.example' },
      { subject: 'ada' },
      { issuer: 'https://login.example', subject: 'ada' },
    ])
      expect(await told(await ada.one.post('/account/ways/remove', { csrf, ...named }))).toEqual([
        400,
        'form_incomplete',
      ])
  })

  test(verifies('consent.page', 'signs nobody in on the way to another site'), async () => {
    const at = await place()
    const ada = await at.account('Ada')
    for (const to of ['//evil.example', 'https://evil.example/', '']) {
      const one = at.visitor()
      const { action, options, fields } = await formAt(one, '/login?return_to=/account')
      const sent = { ...fields, return_to: to, credential: ada.passkey.signed(options) }
      expect(await told(await one.post(action, sent)), to).toEqual([400, 'form_incomplete'])
      expect(await (await one.get('/account')).text(), to).not.toContain('Agents with access')
    }
  })
})

describe('a new account', () => {
  test(verifies('consent.page', 'leads to no other site'), async () => {
    const at = await place('open')
    const [one, passkey] = [at.visitor(), at.newPasskey()]
    const { action, options, fields } = await formAt(one, '/account/new')
    const sent = { ...fields, name: 'Ada', credential: passkey.created(options) }
    for (const to of ['//evil.example', 'https://evil.example/', ''])
      expect(await told(await one.post(action, { ...sent, return_to: to })), to).toEqual([400, 'form_incomplete'])
    expect(await told(await one.post(action, sent))).toEqual([303, '/account'])
  })

  test(verifies('account.credential', 'is made once by a link, also by two browsers at the same moment'), async () => {
    const at = await place()
    const target = await at.link()
    const forms = await Promise.all(
      ['Ada', 'Eve'].map(async name => {
        const one = at.visitor()
        const { action, options, fields } = await formAt(one, target)
        return { one, action, sent: { ...fields, name, credential: at.newPasskey().created(options) } }
      }),
    )
    const answers = await Promise.all(forms.map(async ({ one, action, sent }) => told(await one.post(action, sent))))
    expect(answers.toSorted(([a], [b]) => a - b)).toEqual([
      [303, '/account'],
      [400, 'invitation_invalid'],
    ])
  })

  test(
    verifies('account.credential', 'needs a provider where the operator says so, also with a link from before'),
    async () => {
      const at = await passkeyWorld({ database: newFile(), accounts: 'invitation' })
      const target = await at.link()
      expect((await at.visitor().get(target)).status).toBe(200)
      const login = [demoUsers([{ name: 'Ada' }])]
      const now = await passkeyWorld({ database: at.database, login, development: true, accounts: 'openid' })
      expect(await told(await now.visitor().get(target))).toEqual([400, 'invitation_invalid'])
    },
  )
})
