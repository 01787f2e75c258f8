import { verifies } from '@countersign/requirements'
import { type Browser, browser } from '@countersign/testing/auth/browser'
import { world } from '@countersign/testing/auth/world'
import { expect, test } from 'vitest'
import type { LoginProvider } from './login-method.js'

const issuer = 'https://auth.example'

/** A provider that says who is there, and wants to know `kept` characters again when the browser is back. */
async function place(kept = 86): Promise<{ open: () => Browser; hints: Array<string | undefined> }> {
  const hints: Array<string | undefined> = []
  const corp: LoginProvider = {
    id: 'corp',
    name: 'Corp',
    begin: async ({ state, loginHint }) => {
      hints.push(loginHint)
      return { url: `https://corp.example/?state=${state}`, saved: { kept: 'k'.repeat(kept) } }
    },
    finish: async ({ saved }) => ({
      issuer: 'https://corp.example',
      subject: String(saved['kept']?.length),
      claims: {},
    }),
  }
  const { auth } = await world({ issuer, login: [corp] })
  return { open: () => browser(auth, issuer), hints }
}

const begin = async (one: Browser, query: Record<string, string>): Promise<Response> =>
  one.get(`/login?${new URLSearchParams(query)}`)

const backFrom = (begun: Response): string =>
  `/login/callback/corp${new URL(begun.headers.get('location') ?? '').search}`

/** Characters of what a browser sends along for the sign-ins it has begun. */
const weight = ({ cookies }: Browser): number =>
  [...cookies].reduce((sum, [name, value]) => sum + (name.includes('-login-') ? name.length + value.length + 3 : 0), 0)

test(
  verifies('consent.browser', 'the cookies of many sign-ins fit into the headers of a browser’s requests'),
  async () => {
    const { open } = await place()
    const one = open()
    // Each of these characters is two in JSON.
    const hostile = { return_to: `/${'"'.repeat(1023)}`, login_hint: '"'.repeat(380) }
    for (let count = 0; count < 6; count++) {
      const begun = await begin(one, hostile)
      expect(begun.status).toBe(303)
      expect(weight(one)).toBeLessThanOrEqual(3500)
    }
    // A sign-in after all those works, and so does the last of them.
    const last = await begin(one, hostile)
    const plain = await begin(one, { return_to: '/a' })
    expect(weight(one)).toBeLessThanOrEqual(3500)
    expect((await one.get(backFrom(plain))).headers.get('location')).toBe('/a')
    expect((await one.get(backFrom(await begin(one, hostile)))).headers.get('location')).toBe(hostile.return_to)
    expect((await one.get(backFrom(last))).status).toBe(403)
    // The twin: of four as people begin them each is there.
    const other = open()
    const usual = ['/a', '/b', '/c', `/agent/consent?request_token=${'r'.repeat(43)}`]
    const begun: Response[] = []
    for (const return_to of usual) begun.push(await begin(other, { return_to, login_hint: 'ada@corp.example' }))
    for (const [index, each] of begun.entries())
      expect((await other.get(backFrom(each))).headers.get('location')).toBe(usual[index])
    expect(weight(other)).toBe(0)
  },
)

test('cookies that hold no valid attempt make room first', async () => {
  const { open } = await place()
  const one = open()
  const begun = await begin(one, { return_to: '/a' })
  for (const name of ['one', 'two']) one.cookies.set(`__Host-countersign-login-${name}`, 'x'.repeat(4000))
  await begin(one, { return_to: '/b' })
  expect(weight(one)).toBeLessThanOrEqual(3500)
  expect((await one.get(backFrom(begun))).headers.get('location')).toBe('/a')
})

test('a long hint reaches the provider, and is not kept for another try', async () => {
  const { open, hints } = await place()
  const one = open()
  const keptHint = (): boolean =>
    [...one.cookies].some(([, value]) => Buffer.from(value, 'base64url').toString().includes('loginHint'))
  await begin(one, { return_to: `/${'a'.repeat(500)}`, login_hint: 'h'.repeat(500) })
  expect([hints.at(-1)?.length, keptHint()]).toEqual([500, false])
  await begin(one, { return_to: '/a', login_hint: 'ada@corp.example' })
  expect([hints.at(-1), keptHint()]).toEqual(['ada@corp.example', true])
})

test('a sign-in that is too long for a cookie is refused on a page', async () => {
  const fits = await place(2000)
  const one = fits.open()
  const back = await one.get(backFrom(await begin(one, { return_to: '/a' })))
  expect([back.status, back.headers.get('location')]).toEqual([303, '/a'])
  const tooLong = await begin((await place(2600)).open(), { return_to: '/a' })
  expect([tooLong.status, tooLong.headers.get('location')]).toEqual([400, null])
  expect(tooLong.headers.getSetCookie().join()).not.toContain('-login-')
  expect(await tooLong.text()).toContain('This sign-in is too long for the cookies of a browser.')
})
