import { verifies } from '@countersign/requirements'
import { browser } from '@countersign/testing/auth/browser'
import { world } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import { demoUsers } from '../login/login-method.js'
import { acceptedLanguage } from './language.js'

const accepted = (...lines: string[]): string =>
  acceptedLanguage({ headers: lines.map(line => ['accept-language', line] as const) })

test('the language is the one that the browser wants most, else English', () => {
  for (const [header, language] of [
    ['', 'en'],
    ['de', 'de'],
    ['DE-at', 'de'],
    ['fr, de;q=0.2', 'de'],
    ['en;q=0.8, de;q=0.9', 'de'],
    ['de;q=0.8, en-GB', 'en'],
    ['en, de', 'en'],
    ['de, en', 'de'],
    ['fr, *;q=0.5', 'en'],
    ['en;q=0, *', 'de'],
    ['en;q=0.1, *', 'de'],
    ['de;q=0', 'en'],
    ['de ; q=1.000 , en;q=0.999', 'de'],
    // Malformed weights count as none.
    ['de;q=2', 'en'],
    ['de;q=-1, fr', 'en'],
    ['de;q=0.1234', 'en'],
    ['de;level=1', 'en'],
    ['de;q=1;q=1', 'en'],
    ['deutsch', 'en'],
    [`${'fr,'.repeat(400)}de`, 'en'],
  ] as const)
    expect(accepted(header), header).toBe(language)
  expect(accepted('fr', 'de')).toBe('de')
})

test('the header is read in linear time', () => {
  const began = performance.now()
  for (const text of [',', ';', '-', ' ', 'de;q=', '*,', 'q=0'])
    for (const times of [200, 1_000_000]) accepted(text.repeat(times))
  expect(performance.now() - began).toBeLessThan(1000)
})

async function place() {
  const issuer = 'https://auth.example'
  const made = await world({ issuer, development: true, login: [demoUsers([{ name: 'Ada' }])] })
  const ask = (target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    made.auth.handle({
      method,
      target,
      headers: [['host', 'auth.example'], ...Object.entries(headers)],
      peer: '192.0.2.9',
    })
  return { made, ask, open: () => browser(made.auth, issuer) }
}

const languageOf = async (response: Promise<Response>): Promise<unknown[]> => {
  const answer = await response
  const html = await answer.text()
  return [/<html lang="(\w+)"/.exec(html)?.[1], answer.headers.get('content-language')]
}

test('a language chosen by hand wins over the one that the browser wants', async () => {
  const { ask } = await place()
  const wanted = { 'accept-language': 'de' }
  expect(await languageOf(ask('/login'))).toEqual(['en', 'en'])
  expect(await languageOf(ask('/login', wanted))).toEqual(['de', 'de'])
  const answer = await ask('/language?to=en&return_to=%2Flogin%3Freturn_to%3D%252Faccount', wanted)
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/login?return_to=%2Faccount'])
  const [cookie = ''] = answer.headers.getSetCookie()
  expect(cookie).toBe('__Host-countersign-lang=en; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=31536000')
  const chosen = { ...wanted, cookie: cookie.split(';', 1)[0] ?? '' }
  expect(await languageOf(ask('/login', chosen))).toEqual(['en', 'en'])
  expect(await languageOf(ask('/agent/authorize', chosen))).toEqual(['en', 'en'])
  // What is no language of ours counts as not chosen.
  for (const value of ['fr', '__proto__', ''])
    expect(await languageOf(ask('/login', { ...wanted, cookie: `__Host-countersign-lang=${value}` }))).toEqual([
      'de',
      'de',
    ])
})

test(verifies('UIX-29', 'the choice of a language leads to paths of this server only, and names no file'), async () => {
  const { ask } = await place()
  for (const query of [
    'to=de&return_to=https%3A%2F%2Fevil.example',
    'to=de&return_to=%2F%2Fevil.example',
    'to=de&return_to=%2F%5Cevil.example',
    'to=de',
    'to=fr&return_to=%2Flogin',
    'to=constructor&return_to=%2Flogin',
    'to=..%2Fde&return_to=%2Flogin',
    'return_to=%2Flogin',
    `to=de&return_to=%2F${'a'.repeat(1024)}`,
  ]) {
    const answer = await ask(`/language?${query}`)
    expect([answer.status, answer.headers.getSetCookie()], query).toEqual([400, []])
    expect(await answer.text()).toContain('data-reason="parameter_malformed"')
  }
  expect((await ask('/language?to=de&return_to=%2Flogin', {}, 'POST')).status).toBe(405)
})

test('a page links to itself in the other language, and an error page of the same address, too', async () => {
  const { open } = await place()
  const one = open()
  for (const target of ['/login?return_to=%2Faccount', '/agent/authorize?request_token=x&state=%22%3E', '/logout']) {
    const html = await (await one.get(target)).text()
    const [, link = ''] = /<a href="([^"]+)" lang="de" hreflang="de">Deutsch<\/a>/.exec(html) ?? []
    expect(new URLSearchParams(link.replaceAll('&amp;', '&').split('?')[1]).get('return_to')).toBe(target)
  }
  const html = await (await one.get('/login')).text()
  const [, link = ''] = /<a href="([^"]+)" lang="de"/.exec(html) ?? []
  const back = await one.get(link.replaceAll('&amp;', '&'))
  expect(back.headers.get('location')).toBe('/login?return_to=%2Flogout')
  expect(await (await one.get('/login')).text()).toContain('Bei <bdi>auth.example</bdi> anmelden')
  expect(await (await one.get('/login')).text()).toContain('lang="en" hreflang="en">English</a>')
  expect(await (await one.get('/agent/authorize')).text()).toContain('Dieser Link ist ungültig oder abgelaufen.')
  // The answer of a sign-in counts once.
  expect(await (await one.get('/link/callback?code=secret')).text()).not.toContain('hreflang')
})

test('pages of too many requests, and answers to forms, are in the language, too', async () => {
  const made = await world({ development: true, login: [demoUsers([{ name: 'Ada' }])], pagesPerMinute: 1 })
  const one = browser(made.auth, 'https://auth.example')
  const german = { 'accept-language': 'de' }
  const refused = await one.post('/logout', { csrf: 'x' }, german)
  expect(await refused.text()).toContain('Dieses Formular kam nicht von dieser Seite')
  const limited = await one.post('/logout', { csrf: 'x' }, german)
  expect([limited.status, await limited.text()]).toEqual([429, expect.stringContaining('zu viele Anfragen')])
})
