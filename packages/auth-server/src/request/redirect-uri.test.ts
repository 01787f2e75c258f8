import { answerUrl } from '@countersign/protocol/internal'
import { verifies } from '@countersign/requirements'
import { allowRedirects, askUser, callback, consentWorld, requestTokenOf } from '@countersign/testing/auth/consent'
import { agentServer, ask, delegate, granted } from '@countersign/testing/auth/world'
import { plain, refusalOf } from '@countersign/testing/responses'
import { readVectors } from '@countersign/vectors'
import { expect, test } from 'vitest'
import { isLoopbackRedirect } from './redirect-uri.js'

test.each([
  '',
  `${callback}/..;/`,
  `${callback}?a=b`,
  `${callback}#a`,
  'https://app.example/callbac%6b',
  'https://APP.example/callback',
  'https://app.example:8443/callback',
  'https://app.example.evil.example/callback',
  'https://evil.example@app.example/callback',
  'https://app.example\\@evil.example/callback',
  'https://evil.example@x@app.example/callback',
  'https://app.example@evil.example@app.example/callback',
  'https://app.example/%2e/callback',
  'https://app.example/x/%2e%2e/callback',
  'https://app%2eexample/callback',
  'https://app.example/x/../callback',
  'http://app.example/callback',
  'jAvAsCrIpT:alert(1)',
  '/callback',
  ` ${callback}`,
  'http://127.0.0.1:49152/cb',
  'http://[::1]:49152/cb',
])(
  verifies(
    'auth.redirect-uri',
    'consent.redirect-uri',
    'TOK-09',
    'TOK-10',
    'TOK-11',
    'where the user is needed, redirect_uri "%s" is refused before anything is stored',
  ),
  async redirect_uri => {
    const made = await consentWorld()
    const phone = await delegate(made, 'phone')
    const response = await askUser(made, phone, { form: { redirect_uri } })
    expect(await refusalOf(response)).toMatchObject(plain(400, 'invalid_request'))
    expect(made.events.map(event => event.type)).toEqual(['refused'])
    await requestTokenOf(await askUser(made, phone))
  },
)

test(verifies('auth.redirect-uri', 'a direct grant needs no redirect_uri'), async () => {
  const made = await consentWorld({ policy: () => 'direct' })
  await granted(await ask(made, agentServer(made)))
})

test(
  verifies(
    'consent.redirect-uri',
    'a loopback redirect_uri is accepted where the agent allows it, by address and with a port',
  ),
  async () => {
    const made = await consentWorld()
    allowRedirects(made, { localhost_callback_allowed: true })
    const phone = await delegate(made, 'phone')
    const status = async (redirect_uri: string) => (await askUser(made, phone, { form: { redirect_uri } })).status
    for (const good of ['http://[::1]:8080/', 'http://127.0.0.1:1024/a?b=c']) expect(await status(good), good).toBe(200)
    for (const bad of [
      'http://127.1:49152/cb',
      'http://127.0.0.1:99999/cb',
      'http://127.0.0.1:049152/cb',
      'http://127.0.0.1:49152/cb#a',
      'http://127.0.0.1:49152/a/../b',
      'http://127.0.0.1:49152@evil.example/',
      'http://x@127.0.0.1:49152/cb',
      'http://127.0.0.1:49152\\@evil.example/',
      'http://[::ffff:127.0.0.1]:49152/cb',
      'http://192.168.0.1:49152/cb',
    ]) {
      expect(await status(bad), bad).toBe(400)
    }
  },
)

test.each(readVectors('redirect-uris'))(
  verifies('auth.redirect-uri', 'consent.redirect-uri', 'TOK-10', 'at the token endpoint: $title ($id)'),
  async ({ input: { redirect_uri, metadata }, expect: { result } }) => {
    const made = await consentWorld()
    allowRedirects(made, { redirect_uris: undefined, localhost_callback_allowed: undefined, ...metadata })
    const response = await askUser(made, await delegate(made, 'phone'), { form: { redirect_uri } })
    if (result === 'accept') expect(response.status).toBe(200)
    else expect(await refusalOf(response)).toMatchObject(plain(400, 'invalid_request'))
  },
)

test('a redirect_uri that already holds a parameter of the answer is refused', async () => {
  const made = await consentWorld()
  const redirect_uri = `${callback}?code=x`
  allowRedirects(made, { redirect_uris: [callback, redirect_uri] })
  const phone = await delegate(made, 'phone')
  expect((await askUser(made, phone, { form: { redirect_uri } })).status).toBe(400)
  expect((await askUser(made, phone)).status).toBe(200)
})

test(verifies('UIX-22', 'consent.redirect', 'the answer is added to the URL as it stands, and encoded'), () => {
  const state = 'a&code=evil\r\nSet-Cookie: x=y é #'
  const url = answerUrl('https://app.example/cb?app=%20one', { code: 'c', state, iss: 'https://auth.example' })
  expect(url.startsWith('https://app.example/cb?app=%20one&code=c&state=a%26code%3Devil%0D%0ASet-Cookie')).toBe(true)
  expect(url).toMatch(/^[\x21-\x7e]+$/)
  expect(new URL(url).searchParams.getAll('code')).toEqual(['c'])
  expect(new URL(url).searchParams.get('state')).toBe(state)
  expect(answerUrl('https://app.example', { error: 'access_denied', state: null })).toBe(
    'https://app.example?error=access_denied',
  )
})

test('a redirect is loopback if another program of this computer could receive it', () => {
  expect(isLoopbackRedirect('http://127.0.0.1:1/cb', 'https://agent.example')).toBe(true)
  expect(isLoopbackRedirect('http://localhost:4110/cb', 'https://agent.example')).toBe(true)
  expect(isLoopbackRedirect('http://localhost:4110/cb', 'http://localhost:4110')).toBe(false)
  expect(isLoopbackRedirect('http://localhost:4111/cb', 'http://localhost:4110')).toBe(true)
  expect(isLoopbackRedirect('https://127.example/cb', 'https://agent.example')).toBe(false)
})
