import { verifies } from '@countersign/requirements'
import type { BrowserContextOptions, Page, Request } from 'playwright-core'
import { expect } from 'vitest'
import { visit, when, why } from './chromium.fixture.js'
import { consentPlace } from './consent-place.fixture.js'

// What a real browser makes of the auth server's pages under attack: forged forms, markup, impatience and the way back.

const hostile = '"><img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script>'
const at = visit(() => consentPlace({ name: hostile }))

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  return (await at.browser.newContext(options)).newPage()
}

/** The consent page of a new request, for Ada. */
async function consentPage(page: Page, form?: Readonly<Record<string, string>>): Promise<string> {
  const link = await at.place.ask(form)
  await page.goto(link)
  const ada = page.getByRole('button', { name: 'Ada Lovelace' })
  const allow = page.getByRole('button', { name: 'Allow' })
  await ada.or(allow).waitFor()
  if (await ada.isVisible()) await ada.click()
  await allow.waitFor()
  // The scope that the user left out is asked for again: otherwise the next test would get no page.
  await page.locator('input[name="scope:events.list"]').uncheck()
  return new URL(link).searchParams.get('request_token') ?? ''
}

/** The codes that have reached the agent's callback since. */
function codesSince(before: number): string[] {
  return at.place.arrived.slice(before).flatMap(({ url }) => new URL(url, at.place.agent).searchParams.getAll('code'))
}

when(
  verifies('UIX-05', 'consent.browser', `a form on another site grants nothing, not even with our own token${why}`),
  async () => {
    const page = await open()
    await consentPage(page, { purpose: 'forged' })
    const fields = await page
      .locator('form[action="/agent/consent"] input')
      .evaluateAll(inputs => (inputs as HTMLInputElement[]).map(({ name, value }) => [name, value] as const))
    const before = at.place.arrived.length
    const inputs = [...fields, ['decision', 'allow']].map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
    )
    const form = `<form method="post" action="${at.place.auth}/agent/consent">${inputs.join('')}<button>Win</button></form>`
    // Another site, and another origin of the same site, which gets the cookies along.
    for (const origin of ['http://evil.example', at.place.calendar]) {
      const other = await page.context().newPage()
      await other.route(`${origin}/win`, route =>
        route.fulfill({ contentType: 'text/html', body: `<!doctype html>${form}` }),
      )
      await other.goto(`${origin}/win`)
      const [answer] = await Promise.all([
        other.waitForResponse(`${at.place.auth}/agent/consent`),
        other.getByRole('button', { name: 'Win' }).click(),
      ])
      expect([answer.status(), answer.headers()['location']], origin).toEqual([403, undefined])
      await other.close()
    }
    expect(codesSince(before)).toEqual([])
    // The twin: the same fields from our own page.
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${at.place.calendar}/after`)
    expect(codesSince(before)).toHaveLength(1)
    await page.context().close()
  },
)

when(
  verifies('UIX-08', 'consent.browser', `markup of strangers is text, and no script would run if it were not${why}`),
  async () => {
    const page = await open()
    const hosts = new Set<string>()
    page.on('request', request => hosts.add(request.url().replace(/^(https?:\/\/[^/]+|data:).*/s, '$1')))
    await consentPage(page, { purpose: hostile })
    const hacked = () => page.evaluate(() => (window as { hacked?: number }).hacked)
    expect(await hacked()).toBeUndefined()
    expect(await page.getByText(hostile.slice(0, 30)).count()).toBe(2)
    // Its logo, which came with the page, and nothing else.
    expect(await page.locator('img').count()).toBe(1)
    expect(await page.locator('script').count()).toBe(0)
    expect(
      await page
        .locator('a:not([href="/account"], [href^="/language?"])')
        .evaluateAll(links => (links as HTMLAnchorElement[]).map(({ href }) => href)),
    ).toEqual([`${at.place.agent}/about`, `${at.place.agent}/privacy`])
    expect([...hosts]).toEqual([at.place.auth])
    // What got into the page all the same: neither script nor style nor anything from elsewhere.
    const violated = await page.evaluate(async () => {
      const blocked: string[] = []
      document.addEventListener('securitypolicyviolation', event => blocked.push(event.effectiveDirective))
      const put = (tag: string, members: Record<string, string>): void =>
        void document.body.append(Object.assign(document.createElement(tag), members))
      put('script', { textContent: 'window.hacked = 1' })
      put('img', { src: 'http://evil.example/x.png' })
      put('iframe', { src: 'http://evil.example/' })
      put('div', { innerHTML: '<img src=x onerror="window.hacked = 1">' })
      put('base', { href: 'http://evil.example/' })
      put('style', { textContent: 'body { display: none }' })
      await new Promise(resolve => setTimeout(resolve, 500))
      return blocked
    })
    expect(new Set(violated)).toEqual(
      new Set(['base-uri', 'frame-src', 'img-src', 'script-src-attr', 'script-src-elem', 'style-src-elem']),
    )
    expect(await hacked()).toBeUndefined()
    await page.context().close()
  },
)

when(verifies('UIX-13', 'consent.code', `a double click makes one code${why}`), async () => {
  const page = await open({ javaScriptEnabled: false })
  const before = at.place.arrived.length
  const request_token = await consentPage(page, { purpose: 'double' })
  await page.getByRole('button', { name: 'Allow' }).dblclick()
  await page.waitForURL(`${at.place.calendar}/after`)
  const codes = new Set(codesSince(before))
  expect(codes.size).toBe(1)
  const [code = ''] = codes
  const redemption = { request_type: 'code', code, request_token, redirect_uri: `${at.place.agent}/callback` }
  expect(await at.place.token(redemption)).toHaveProperty('auth_token')
  await page.context().close()
})

when(
  verifies('UIX-18', 'consent.code', `going back and reloading makes no second code, nor one that was used${why}`),
  async () => {
    const page = await open({ javaScriptEnabled: false })
    const before = at.place.arrived.length
    const request_token = await consentPage(page, { purpose: 'back' })
    const consent = page.url()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${at.place.calendar}/after`)
    // The page is not kept: to go back to it is to ask for it anew, and to be sent on with the same answer.
    await page.goBack().catch(() => undefined)
    await page.goto(consent).catch(() => undefined)
    await page.waitForURL(`${at.place.calendar}/after`)
    const codes = codesSince(before)
    expect(codes.length).toBeGreaterThan(1)
    expect(new Set(codes).size).toBe(1)
    const [code = ''] = codes
    const redemption = { request_type: 'code', code, request_token, redirect_uri: `${at.place.agent}/callback` }
    expect(await at.place.token(redemption)).toHaveProperty('auth_token')
    const again = await page.goto(consent)
    expect([again?.status(), page.url()]).toEqual([400, consent])
    const reloaded = await page.reload()
    expect([reloaded?.status(), page.url()]).toEqual([400, consent])
    expect(new Set(codesSince(before)).size).toBe(1)
    await page.context().close()
  },
)

when(
  verifies('UIX-15', 'consent.browser', `cookies are for this server and no script, and change with the user${why}`),
  async () => {
    const page = await open()
    const cookies = async () => {
      const all = await page.context().cookies(at.place.auth)
      return new Map(all.map(cookie => [cookie.name.replace(/-\d+$/, ''), cookie]))
    }
    await page.goto(`${at.place.auth}/login`)
    const before = await cookies()
    expect([...before.keys()]).toEqual(['countersign-browser'])
    await page.getByRole('button', { name: 'Ada Lovelace' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    const signedIn = await cookies()
    expect(new Set(signedIn.keys())).toEqual(new Set(['countersign-browser', 'countersign-session']))
    for (const { httpOnly, sameSite, path, expires, domain } of signedIn.values()) {
      expect({ httpOnly, sameSite, path, expires }).toEqual({ httpOnly: true, sameSite: 'Lax', path: '/', expires: -1 })
      expect(domain).toBe('localhost')
    }
    expect(await page.evaluate(() => document.cookie)).toBe('')
    await page.goto(`${at.place.auth}/login`)
    await page.getByRole('button', { name: 'Grace Hopper' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    expect((await cookies()).get('countersign-session')?.value).not.toBe(signedIn.get('countersign-session')?.value)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
    expect([...(await cookies()).keys()]).toEqual([])
    await page.context().close()
  },
)

when(
  verifies('UIX-24', 'consent.redirect', `what follows a form is asked for with GET, and without the form${why}`),
  async () => {
    const page = await open({ javaScriptEnabled: false })
    const statuses: Array<readonly [string, number]> = []
    const followed: Request[] = []
    page.on('response', async response => {
      const request = response.request()
      if (request.method() === 'POST') statuses.push([new URL(request.url()).pathname, response.status()])
      if (request.redirectedFrom()?.method() === 'POST') followed.push(request)
    })
    await consentPage(page, { purpose: 'redirects' })
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${at.place.calendar}/after`)
    expect(statuses).toEqual([
      ['/login/demo', 303],
      ['/agent/consent', 303],
    ])
    expect(followed.map(request => [request.method(), request.postData()])).toEqual([
      ['GET', null],
      ['GET', null],
    ])
    await page.context().close()
  },
)

when(
  verifies('consent.claimed', `two links opened at once in a fresh profile both come to their answers${why}`),
  async () => {
    const first = await open({ javaScriptEnabled: false })
    const second = await first.context().newPage()
    const before = at.place.arrived.length
    const links = [await at.place.ask({ purpose: 'one' }), await at.place.ask({ purpose: 'two' })]
    await Promise.all([first, second].map((page, index) => page.goto(links[index] ?? '')))
    // Read anew: the page may have been written for a name that the other one's answer has replaced.
    await first.reload()
    await first.getByRole('button', { name: 'Grace Hopper' }).click()
    await first.getByRole('button', { name: 'Allow' }).click()
    await first.waitForURL(`${at.place.calendar}/after`)
    await second.reload()
    await second.waitForURL(`${at.place.calendar}/after`)
    expect(new Set(codesSince(before)).size).toBe(2)
    await first.context().close()
  },
)
