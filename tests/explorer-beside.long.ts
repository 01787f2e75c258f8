import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BesideColumn, BesideOverview, BesideResult, World } from '../apps/playground/src/beside/contract.js'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { startPlayground } from './playground-place.fixture.js'
import { type Stand, stand } from './processes.fixture.js'

// AAuth beside OAuth 2.1: nine dimensions, each played in both worlds between real servers, and read from the page.

let place: Stand
let own: string

beforeAll(async () => {
  place = stand()
  const base = await startPlayground(place)
  own = `http://localhost:${base}`
})
afterAll(() => place.stop())

const at = visit(async () => ({ stop: async () => undefined }))

async function resultOf(dimension: string): Promise<BesideResult> {
  return (await (await fetch(`${own}/api/beside/${dimension}`)).json()) as BesideResult
}

async function play(dimension: string): Promise<(world: World) => BesideColumn> {
  const asked = await fetch(`${own}/api/beside/${dimension}`, { method: 'POST', headers: { origin: own } })
  expect(asked.status).toBe(202)
  await expect.poll(async () => (await resultOf(dimension)).state, { timeout: 60_000, interval: 250 }).toBe('ended')
  const { columns, fault } = await resultOf(dimension)
  expect(fault).toBeUndefined()
  return world => columns.find(column => column.world === world) ?? expect.fail(`there is no column ${world}`)
}

const verdicts = (column: (world: World) => BesideColumn, worlds: readonly World[]): string[] =>
  worlds.map(world => column(world).outcome.verdict)

/** The response that decided a column, as it was on the wire. */
function decisive({ steps, outcome }: BesideColumn): { readonly status: number; readonly body: unknown } {
  const message = steps.flatMap(({ messages }) => messages).find(({ id }) => id === outcome.message)
  const { status, body } = message?.response ?? expect.fail('no message decided it')
  return { status, body: /^[{[]/.test(body) ? JSON.parse(body) : body }
}

const every: readonly World[] = ['oauth', 'oauth-more', 'aauth']
const victim = { user: 'ada', items: [{ title: 'Dentist', start: '2026-12-10T09:00', notes: 'the left one, at last' }] }

describe('played by the API', () => {
  test('registration: a stranger is refused by OAuth until it is registered, and signs its user in with AAuth', async () => {
    const column = await play('registration')
    expect(column('oauth').outcome.sentence).toBe(
      'The app that is not registered gets 400 invalid_client. The one that an operator has registered signs “ada” in.',
    )
    expect(column('oauth').counts).toMatchObject({ setUp: 2, userForms: 2, sharedSecrets: 2 })
    expect(column('oauth-more').outcome.sentence).toMatch(/^It registers itself, and gets 201 .* It signs “ada” in\.$/)
    expect(column('oauth-more').counts).toMatchObject({ setUp: 1, userForms: 2, sharedSecrets: 2 })
    expect(column('aauth').outcome.sentence).toMatch(
      /^The app says “Hello Ada Lovelace”\. .* the configuration of the auth server does not name it\.$/,
    )
    expect(column('aauth').counts).toMatchObject({ userForms: 2, sharedSecrets: 0 })
  })

  test('client authentication: what the server keeps lets a thief in with a secret, and not with a key', async () => {
    const column = await play('client-authentication')
    expect(verdicts(column, every)).toEqual(['broken', 'held', 'held'])
    expect(decisive(column('oauth'))).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
    expect(decisive(column('oauth-more'))).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
    expect(decisive(column('aauth'))).toMatchObject({ status: 401, body: { reason: 'signature_wrong' } })
    expect(
      column('oauth')
        .secrets.filter(({ shared }) => shared)
        .map(({ holder }) => holder),
    ).toEqual(['authorization server', 'client'])
    expect(every.map(world => column(world).counts.sharedSecrets)).toEqual([2, 0, 0])
  })

  test('tokens: a stolen bearer token works, a stolen bound token or auth token does not', async () => {
    const column = await play('tokens')
    expect(verdicts(column, every)).toEqual(['broken', 'held', 'held'])
    expect(decisive(column('oauth'))).toEqual({ status: 200, body: victim })
    expect(decisive(column('oauth-more'))).toEqual({
      ...{ status: 401 },
      body: { error: 'invalid_token', error_description: 'the proof is for another request, token or key' },
    })
    expect(decisive(column('aauth'))).toMatchObject({
      ...{ status: 401 },
      body: { error: 'invalid_signature', reason: 'signature_wrong' },
    })
  })

  test('discovery: both find the server from the API, and both refuse metadata under a false name', async () => {
    const column = await play('discovery')
    expect(verdicts(column, ['oauth', 'aauth'])).toEqual(['held', 'held'])
    expect(column('oauth').outcome.sentence).toMatch(/in 3 messages\. The metadata under a false name are refused \(/)
    expect(column('aauth').outcome.sentence).toMatch(/discovery_failed: The document names another participant/)
  })

  test('consent: a swapped resource fools a client without audience, and neither one with it nor an agent', async () => {
    const column = await play('consent')
    expect(verdicts(column, every)).toEqual(['broken', 'held', 'held'])
    expect(decisive(column('oauth'))).toEqual({ status: 200, body: victim })
    expect(column('oauth-more').outcome.sentence).toContain('The authorization server answers invalid_target')
    expect(column('aauth').outcome.sentence).toMatch(
      /^The agent stops: the resource token could not be verified; .*The user was asked nothing\. .* got 401 invalid_signature/,
    )
    expect(column('aauth').counts.userForms).toBe(0)
  })

  test('scopes: of three calls OAuth needs the server for two, AAuth for one', async () => {
    const column = await play('scopes')
    expect(column('oauth').outcome.sentence).toMatch(/^The calls are answered 200, 401, 200, 403, 200\. 2 of the three/)
    expect(column('aauth').outcome.sentence).toMatch(/^The calls are answered 200, 200, 200\. 1 of the three/)
  })

  test('chains: rooms do not see who passed a token on; they see a chain that was exchanged', async () => {
    const column = await play('chains')
    expect(verdicts(column, every)).toEqual(['broken', 'held', 'held'])
    expect(decisive(column('oauth'))).toEqual({ status: 201, body: { room: 'library', user: 'ada', client: 'agent' } })
    expect(decisive(column('oauth-more'))).toMatchObject({ status: 201, body: { act: { act: { sub: 'agent' } } } })
    expect(decisive(column('aauth'))).toMatchObject({ status: 201, body: { chain: [{ agent: expect.any(String) }] } })
    expect(column('aauth').counts.userForms).toBeGreaterThanOrEqual(4)
  })

  test('revocation: a JWT goes on, introspection and a notice end access at once', async () => {
    const column = await play('revocation')
    expect(verdicts(column, every)).toEqual(['broken', 'held', 'held'])
    expect(decisive(column('oauth'))).toEqual({ status: 200, body: victim })
    expect(decisive(column('oauth-more'))).toMatchObject({ status: 401, body: { error: 'invalid_token' } })
    expect(decisive(column('aauth'))).toMatchObject({ status: 401, body: { reason: 'grant_ended' } })
  })

  test('replay: bearer requests pass again and changed, DPoP ones changed, signed ones neither', async () => {
    const column = await play('replay')
    expect(verdicts(column, every)).toEqual(['broken', 'broken', 'held'])
    expect(column('oauth').outcome.sentence).toMatch(/^Sent again: 201 .* Changed: 201 .*Pay 4000 euros/)
    expect(column('oauth-more').outcome.sentence).toMatch(
      /^Sent again: 401 invalid_token \(the proof was used before\)\. Changed: 201 .*Pay 4000 euros/,
    )
    expect(column('aauth').outcome.sentence).toBe(
      'Sent again: 401 replay_detected (request_replayed). Changed: 401 invalid_signature (digest_wrong). The signature covers the body.',
    )
  })

  test('no bearer token, code, secret or cookie of the OAuth world is shown whole', async () => {
    const { results } = (await (await fetch(`${own}/api/beside`)).json()) as BesideOverview
    const shown = JSON.stringify(results.map(({ columns }) => columns.filter(({ world }) => world !== 'aauth')))
    expect(shown).toContain('Bearer ')
    expect(shown).toMatch(/"access_token\\+":\\+"eyJ[\w-]+\.[\w-]+\.…/)
    expect(shown.match(/(?:Bearer|DPoP) eyJ[\w-]+\.[\w-]+\.[\w-]+/g)).toBeNull()
    expect(shown.match(/(?:code|client_secret|refresh_token|code_verifier)(?:=|\\+":\\+")[\w-]{7,}/g)).toBeNull()
    expect(shown.match(/Basic [\w=]{7,}/g)).toBeNull()
  })

  test('an unknown dimension is 404, and another site plays nothing', async () => {
    expect((await fetch(`${own}/api/beside/nothing`)).status).toBe(404)
    const post = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${own}/api/beside/nothing`, { method: 'POST', headers })
    expect((await post({ origin: own })).status).toBe(404)
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403)
  })
})

async function open(
  path: string,
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<{ page: Page; faults: string[] }> {
  const page = await at.browser.newPage({ viewport: { width, height: 900 }, colorScheme })
  page.setDefaultTimeout(30_000)
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(own + path)
  return { page, faults }
}

describe('on the page', () => {
  when(
    `all nine are played at a click, and each outcome is read in its row${why}`,
    async () => {
      const { page, faults } = await open('/beside', 1280, 'light')
      await page.getByRole('button', { name: /^Play all nine/ }).click()
      await page.getByText('9 to go …').waitFor()
      await page.getByText('9 of 9 played.').waitFor({ timeout: 120_000 })
      expect(await page.getByRole('alert').count()).toBe(0)
      const read = (row: string): Promise<string[]> => page.locator(`#${row} .beside-verdict`).allTextContents()
      expect(await read('registration')).toEqual(Array(3).fill('• The user is signed in'))
      expect(await read('client-authentication')).toEqual(['✗ The thief is the client', '✓ Refused', '✓ Refused'])
      expect(await read('tokens')).toEqual(['✗ The stolen token works', '✓ Refused', '✓ Refused'])
      expect(await read('discovery')).toEqual(Array(2).fill('✓ False name refused'))
      expect(await read('consent')).toEqual(['✗ The swap works', '✓ Refused', '✓ Refused'])
      expect(await read('scopes')).toEqual(Array(2).fill('• All three are answered'))
      expect(await read('chains')).toEqual([
        ...['✗ Rooms do not see who calls', '✓ Rooms see the chain', '✓ Rooms see the chain'],
      ])
      expect(await read('revocation')).toEqual(['✗ Goes on working', '✓ Refused at once', '✓ Refused at once'])
      expect(await read('replay')).toEqual(['✗ The thief gets through', '✗ The thief gets through', '✓ Both refused'])
      const attacks = page.locator('.beside-totals tr', { hasText: 'attacks and faults that got through' })
      expect(await attacks.locator('td').allTextContents()).toEqual(['6', '1', '0'])
      expect(faults).toEqual([])
    },
    180_000,
  )

  when(
    `a row opens to its messages, and the one that decided it to request and response${why}`,
    async () => {
      const { page, faults } = await open('/beside/tokens', 1280, 'dark')
      await page.getByRole('button', { name: /^Play/ }).click()
      await page.getByText('Played.').waitFor({ timeout: 60_000 })
      await page.getByRole('link', { name: 'See the message that decided it, OAuth 2.1, with a bearer token' }).click()
      const opened = page.locator('.beside-message[open]')
      expect(await opened.locator('pre').first().textContent()).toMatch(
        /^GET \/appointments\n[\s\S]*Bearer eyJ[\w-]+\.[\w-]+\.…/,
      )
      expect(await opened.locator('pre').last().textContent()).toMatch(/^200\n[\s\S]*"title":"Dentist"/)
      expect(page.url()).toMatch(/\/beside\/tokens\/\d+$/)
      await page.reload()
      await opened.waitFor()
      expect(faults).toEqual([])
    },
    120_000,
  )

  when.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)(
    `it fits %s pixels in %s, and axe finds nothing${why}`,
    async (width, scheme) => {
      for (const path of ['/beside', '/beside/chains']) {
        const { page, faults } = await open(path, width, scheme)
        await page.locator('.beside-verdict').first().waitFor()
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
        await checkAxe(page, `${width} ${scheme}`)
        expect(faults).toEqual([])
        await page.close()
      }
    },
    60_000,
  )
})
