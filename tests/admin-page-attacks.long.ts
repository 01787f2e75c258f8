import { get } from 'node:http'
import { operatorOf } from '@countersign/console'
import { expect } from 'vitest'
import { adminPlace } from './admin-place.fixture.js'
import { adminVisitor, confirmed, go, hostileNames, menu, told } from './admin-visitor.fixture.js'
import { visit, when, why } from './chromium.fixture.js'

// The admin page in Chromium under attack: stolen cookies, other pages, other names of the server, and names that strangers choose.

const at = visit(adminPlace)

when(`no script can read the key, not even one of the page${why}`, async () => {
  const { page, context } = await adminVisitor(at)
  const read = await page.evaluate(async () => {
    const privateKey = await new Promise<CryptoKey>((resolve, reject) => {
      const opening = indexedDB.open('countersign-admin', 1)
      opening.onerror = () => reject(opening.error)
      opening.onsuccess = () => {
        const reading = opening.result.transaction('keys').objectStore('keys').get('key')
        reading.onsuccess = () => resolve(reading.result.privateKey)
      }
    })
    const formats = ['pkcs8', 'jwk', 'raw'] as const
    const outcomes = await Promise.all(
      formats.map(format =>
        crypto.subtle.exportKey(format, privateKey).then(
          () => 'read',
          ({ name }: Error) => name,
        ),
      ),
    )
    return { extractable: privateKey.extractable, usages: privateKey.usages, outcomes }
  })
  expect(read.extractable).toBe(false)
  expect(read.usages).toEqual(['sign'])
  expect(read.outcomes).not.toContain('read')
  await context.close()
})

when(
  `calls of the page carry no cookie, and none is set, while a user is signed in on the same host${why}`,
  async () => {
    const { page, context } = await adminVisitor(at)
    const user = await context.newPage()
    await user.goto(`${at.place.users}/account`)
    await user.getByRole('button', { name: 'ada' }).click()
    await user.waitForURL(`${at.place.users}/account`)
    const cookies = await context.cookies()
    expect(cookies.length).toBeGreaterThan(0)
    const calls: Array<Promise<Record<string, string>>> = []
    const answers: Array<Promise<string | null>> = []
    page.on('request', request => {
      if (request.url().includes('/api/')) calls.push(request.allHeaders())
    })
    page.on('response', response => answers.push(response.headerValue('set-cookie')))
    await page.reload()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const seen = await Promise.all(calls)
    expect(seen.length).toBeGreaterThan(0)
    for (const headers of seen) {
      expect(headers['cookie']).toBeUndefined()
      expect(headers['signature-input']).toContain('"content-digest"')
    }
    expect((await Promise.all(answers)).filter(Boolean)).toEqual([])
    expect(await context.cookies()).toEqual(cookies)
    await context.close()
    // The session of that user alone opens nothing.
    const header = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const stolen = await fetch(`${at.place.origin}/api/overview`, {
      method: 'POST',
      body: '{}',
      headers: { cookie: header, origin: at.place.origin, 'content-type': 'application/json' },
    })
    expect([stolen.status, await stolen.json()]).toMatchObject([401, { reason: 'credential_not_accepted' }])
  },
)

when(`a page of another origin reads nothing, changes nothing and frames nothing${why}`, async () => {
  const { page, context } = await adminVisitor(at)
  const recorded = page.waitForRequest(request => request.url().endsWith('/api/agents/blocks'))
  await menu(page, 'Blocked').click()
  const request = await recorded
  const [headers, body] = [await request.allHeaders(), request.postData() ?? '']
  const sent = ['content-type', 'content-digest', 'signature', 'signature-input', 'signature-key']
  const copied = Object.fromEntries(sent.map(name => [name, headers[name] ?? '']))
  for (const origin of ['http://evil.example', at.place.users]) {
    const other = await context.newPage()
    await other.route(`${origin}/win`, route =>
      route.fulfill({
        contentType: 'text/html',
        body: `<!doctype html><form method="post" enctype="text/plain" action="${at.place.origin}/api/agents/block"><input name='{"agent":"https://x.example","a":"' value='"}'><button>Win</button></form><iframe src="${at.place.origin}/"></iframe>`,
      }),
    )
    await other.goto(`${origin}/win`)
    const tried = await other.evaluate(
      async ({ target, copied: signature, body: text }) => {
        // A request that waits for a permission, which nobody gives, has no outcome.
        const soon = (outcome: Promise<string>): Promise<string> =>
          Promise.race([outcome, new Promise<string>(resolve => setTimeout(() => resolve('refused'), 3000))])
        const tried = (request: Promise<Response>): Promise<string> =>
          soon(
            request.then(
              ({ status, type }) => `${status} ${type}`,
              () => 'refused',
            ),
          )
        const loaded = (element: HTMLScriptElement | WebSocket, event: string): Promise<string> =>
          soon(
            new Promise(resolve => {
              element.addEventListener(event, () => resolve(event))
              element.addEventListener('error', () => resolve('refused'))
            }),
          )
        const script = Object.assign(document.createElement('script'), { src: `${target}/api.js` })
        document.head.append(script)
        const url = `${target}/api/agents/blocks`
        return {
          signed: await tried(fetch(url, { method: 'POST', headers: signature, body: text, credentials: 'include' })),
          simple: await tried(fetch(url, { method: 'POST', body: text, mode: 'no-cors' })),
          script: await loaded(script, 'load'),
          socket: await loaded(new WebSocket(target.replace('http', 'ws')), 'open'),
        }
      },
      { target: at.place.origin, copied, body },
    )
    expect(tried, origin).toMatchObject({ signed: 'refused', script: 'refused', socket: 'refused' })
    // What a simple request gets cannot be read; Chromium may not even show that there is an answer.
    expect(['0 opaque', 'refused']).toContain(tried.simple)
    const frame = other.frames().find(one => one !== other.mainFrame())
    expect(await frame?.locator('#main').count()).toBe(0)
    const [answer] = await Promise.all([
      other.waitForResponse(`${at.place.origin}/api/agents/block`),
      other.getByRole('button', { name: 'Win' }).click(),
    ])
    expect(answer.status()).toBe(403)
    await other.close()
  }
  // Nor does the request count again that the page has sent itself.
  const replayed = await fetch(request.url(), { method: 'POST', body, headers: { ...copied, origin: at.place.origin } })
  expect([replayed.status, await replayed.json()]).toMatchObject([401, { reason: 'request_replayed' }])
  expect(await operatorOf(at.place.auth).agents.blocks()).toEqual([])
  await context.close()
})

when(`by another name that leads here the port says nothing (DNS rebinding)${why}`, async () => {
  const { port } = new URL(at.place.origin)
  const status = (path: string, host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, headers: { host } }, response => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
  for (const path of ['/', '/api.js', '/api/overview'])
    expect(await status(path, `rebound.example:${port}`), path).toBe(421)
  expect(await status('/', `localhost:${port}`)).toBe(200)
  for (const path of ['/admin.js', '/api/overview', '/api/enrol'])
    expect((await fetch(`${at.place.users}${path}`, { method: 'POST', body: '{}' })).status, path).toBe(404)
})

when(`names that strangers choose are text, and what cannot be seen in them is spelt out${why}`, async () => {
  const agent = 'https://hostile.example'
  await at.place.seed({
    users: hostileNames.map((name, n) => ({ sub: `h-${n}${name.slice(0, 20)}`, name, email: `${name}@example.org` })),
    grants: hostileNames.map((delegate, n) => ({
      agent,
      delegate,
      user: `h-${n}${delegate.slice(0, 20)}`,
      scope: 'events.read',
      resource: `https://calendar.example/${delegate.slice(0, 30)}`,
    })),
  })
  const { page, context, faults } = await adminVisitor(at)
  for (const [address, heading] of [
    ['users', 'Users'],
    [`agent?agent=${encodeURIComponent(agent)}`, 'Agent'],
    [`grants?agent=${encodeURIComponent(agent)}`, 'Grants'],
    [`user?sub=${encodeURIComponent(`h-0${hostileNames[0]?.slice(0, 20)}`)}`, 'User'],
    [`grants?delegate=${encodeURIComponent(hostileNames[0] ?? '')}&agent=${encodeURIComponent(agent)}`, 'Grants'],
    [`policy?agent=${encodeURIComponent(hostileNames[0] ?? '')}`, 'Try the policy'],
  ] as const) {
    await go(page, address, heading)
    expect(await page.locator('main img, main script').count(), address).toBe(0)
    const text = await page.locator('body').evaluate(body => body.textContent ?? '')
    expect(/[\u202a-\u202e\u2066-\u2069\u200b\u{e0000}-\u{e007f}]/u.test(text), address).toBe(false)
    expect(await page.evaluate(() => Object.hasOwn(globalThis, 'hacked')), address).toBe(false)
  }
  await go(page, `agent?agent=${encodeURIComponent(agent)}`, 'Agent')
  for (const words of ['U+202E', 'U+200B', 'U+2066', 'U+0301', 'U+000A', 'U+E0041', '250 characters'])
    await page.getByText(words).first().waitFor()
  // What is shown is cut, and what is sent is whole.
  await confirmed(page, 'Block', 'Block')
  await told(page, 'Blocked; 1 grant ended.')
  const [block] = await operatorOf(at.place.auth).agents.blocks()
  expect(hostileNames).toContain(block?.delegate)
  if (block?.delegate !== undefined) await operatorOf(at.place.auth).agents.unblock({ agent, delegate: block.delegate })
  expect(faults).toEqual([])
  await context.close()
})
