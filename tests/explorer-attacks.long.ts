import { freeBase } from '@countersign/testing/ports'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { startPlayground } from './playground-place.fixture.js'
import { run, type Stand, stand } from './processes.fixture.js'

// The scoreboard of the playground as a test: every attack on the live servers, each beside the unmodified twin that passes.

interface Exchange {
  readonly request: { readonly method: string; readonly target: string }
  readonly response: { readonly status: number }
}

interface Result {
  readonly attack: string
  readonly verdict: string
  readonly twin?: Exchange
  readonly attacked?: Exchange
  readonly refusal?: { readonly code: string; readonly reason: string; readonly clause: string; readonly by: string }
  readonly note?: string
}

interface Board {
  readonly state: string
  readonly attacks: ReadonlyArray<{ readonly name: string }>
  readonly results: readonly Result[]
}

/** Each attack: the status of its twin, the status of the attack, and who refused it, with which code, for which reason. */
const expected: ReadonlyArray<readonly [string, number, number, string, string, string]> = [
  ['change-method', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['change-path', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['change-query', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['add-query', 200, 401, 'calendar', 'invalid_signature', 'component_not_covered'],
  ['change-body', 201, 401, 'calendar', 'invalid_signature', 'digest_wrong'],
  ['swap-body', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['add-body', 200, 401, 'calendar', 'invalid_signature', 'component_not_covered'],
  ['change-header', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['drop-header', 201, 401, 'calendar', 'invalid_signature', 'component_missing'],
  ['add-header', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['second-host', 201, 400, 'calendar', 'invalid_request', 'authority_ambiguous'],
  ['other-server', 200, 401, 'rooms', 'invalid_signature', 'signature_wrong'],
  ['replay', 201, 401, 'calendar', 'replay_detected', 'request_replayed'],
  ['change-signature', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['strip-signature', 201, 401, 'calendar', 'invalid_signature', 'signature_missing'],
  ['drop-key', 201, 401, 'calendar', 'invalid_signature', 'signature_header_missing'],
  ['second-key', 201, 401, 'calendar', 'invalid_signature', 'signature_header_repeated'],
  ['uncover-body', 201, 401, 'calendar', 'invalid_signature', 'component_not_covered'],
  ['other-key', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['own-name', 201, 401, 'calendar', 'insufficient_level', 'level_insufficient'],
  ['old-signature', 201, 401, 'calendar', 'invalid_signature', 'created_too_old'],
  ['early-signature', 201, 401, 'calendar', 'invalid_signature', 'created_in_future'],
  ['redate-signature', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['steal-token', 201, 401, 'calendar', 'invalid_signature', 'signature_wrong'],
  ['strip-to-bearer', 201, 401, 'calendar', 'invalid_signature', 'signature_missing'],
  ['ended-token', 201, 401, 'calendar', 'invalid_auth_token', 'token_expired'],
  ['change-token', 201, 401, 'calendar', 'invalid_auth_token', 'token_signature_wrong'],
  ['widen-token', 201, 401, 'calendar', 'invalid_auth_token', 'token_signature_wrong'],
  ['alg-none', 201, 401, 'calendar', 'invalid_auth_token', 'algorithm_unsupported'],
  ['alg-confusion', 201, 401, 'calendar', 'invalid_auth_token', 'algorithm_unsupported'],
  ['forged-signature', 201, 401, 'calendar', 'invalid_auth_token', 'token_signature_wrong'],
  ['forged-issuer', 201, 401, 'calendar', 'untrusted_issuer', 'issuer_untrusted'],
  ['swap-resource-token', 200, 400, 'auth server', 'invalid_resource_token', 'token_caller_mismatched'],
  ['resource-token-elsewhere', 200, 400, 'auth server', 'invalid_resource_token', 'token_audience_wrong'],
  ['other-auth-server', 200, 401, 'calendar', 'untrusted_issuer', 'issuer_untrusted'],
  ['other-audience', 200, 401, 'web app', 'invalid_auth_token', 'token_audience_wrong'],
  ['lure-agent', 200, 401, 'Agent', '', 'not_allowed'],
  ['ended-grant', 201, 401, 'calendar', 'invalid_auth_token', 'grant_ended'],
  ['race-code', 200, 400, 'auth server', 'invalid_grant', 'grant_invalid'],
  ['steal-refresh-token', 200, 400, 'auth server', 'invalid_grant', 'grant_invalid'],
  ['steal-consent', 200, 400, 'auth server', 'invalid_request', 'link_of_another_browser'],
  ['forge-decision', 303, 403, 'auth server', 'access_denied', 'page_not_from_here'],
  ['change-approved', 201, 401, 'rooms', 'insufficient_level', 'approval_needed'],
  ['repeat-approved', 201, 401, 'rooms', 'replay_detected', 'approval_used'],
  ['reuse-invitation', 200, 400, 'agent server', 'invalid_grant', 'enrolment_code_invalid'],
]

const lineOf = ({ attack, twin, attacked, refusal }: Result): unknown[] => [
  attack,
  twin?.response.status,
  attacked?.response.status,
  refusal?.by,
  refusal?.code,
  refusal?.reason,
]

async function started(): Promise<Stand & { readonly base: number }> {
  const place = stand()
  const base = await startPlayground(place)
  return { ...place, base }
}

test('countersign playground --attacks ends with 0: every attack was refused as it must be, and its twin passed', async () => {
  const port = String(await freeBase())
  const { code, stdout, stderr } = await run(['playground', '--port', port, '--attacks', '--json'])
  expect(stdout, stderr).not.toBe('')
  const { results } = JSON.parse(stdout) as Board
  expect(results.filter(({ verdict }) => verdict !== 'held')).toEqual([])
  expect(results.map(lineOf)).toEqual(expected)
  expect(results.filter(({ refusal }) => !/^[a-z][a-z0-9.-]+\.[a-z0-9.-]+$/.test(refusal?.clause ?? ''))).toEqual([])
  expect(code).toBe(0)
})

describe('a message of a story', () => {
  let place: Awaited<ReturnType<typeof started>>
  beforeAll(async () => {
    place = await started()
  })
  afterAll(() => place.stop())
  const at = (path: string): string => `http://localhost:${place.base}${path}`
  const post = (path: string, body: object = {}): Promise<Response> =>
    fetch(at(path), {
      method: 'POST',
      headers: { origin: at(''), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  interface Message {
    readonly id: number
    readonly request: { readonly method: string; readonly target: string }
    readonly response: { readonly status: number }
  }
  const played = async (story: string): Promise<readonly Message[]> => {
    await post(`/api/stories/${story}`)
    const run = async () =>
      (await (await fetch(at(`/api/stories/${story}`))).json()) as { state: string; messages: Message[] }
    await expect.poll(async () => (await run()).state, { timeout: 30_000 }).toBe('ended')
    return (await run()).messages
  }
  const offeredOn = async ({ id }: Message): Promise<ReadonlyArray<{ readonly name: string; readonly why?: string }>> =>
    (await (await fetch(at(`/api/attacks?message=${id}`))).json()) as Array<{ name: string; why?: string }>

  test('can be attacked, also when its token has ended: it is renewed for the twin', async () => {
    const messages = await played('user-consent')
    const added = messages.find(({ request, response }) => request.method === 'POST' && response.status === 201)
    if (added === undefined) expect.fail('nothing was added')
    await new Promise(resolve => setTimeout(resolve, 5000))
    const offered = (await offeredOn(added)).filter(({ why }) => why === undefined)
    expect(offered.length).toBe(29)
    for (const { name } of offered) {
      const result = (await (await post(`/api/attacks/${name}`, { message: added.id })).json()) as Result
      expect([name, result.verdict, result.twin?.response.status, result.note]).toEqual([name, 'held', 201, undefined])
    }
  })

  test('of a service can be attacked, too: the call that made it call is repeated for a token', async () => {
    const messages = await played('multi-hop')
    const booked = messages.find(({ request, response }) => request.target === '/bookings' && response.status === 201)
    if (booked === undefined) expect.fail('nothing was booked')
    await new Promise(resolve => setTimeout(resolve, 5000))
    for (const [name, reason] of [
      ['change-body', 'digest_wrong'],
      ['steal-token', 'signature_wrong'],
      ['replay', 'request_replayed'],
    ]) {
      const result = (await (await post(`/api/attacks/${name}`, { message: booked.id })).json()) as Result
      expect([result.verdict, result.note, result.twin?.response.status]).toEqual(['held', undefined, 201])
      expect(result.refusal).toMatchObject({ by: 'rooms', reason })
    }
  })

  test('that is unsigned, or was refused, is no ground for an attack, and says so', async () => {
    const messages = await played('identity')
    const [first] = messages
    if (first === undefined) expect.fail('nothing was sent')
    expect((await offeredOn(first)).map(({ why }) => why)).toContain(
      'It is unsigned: there is no signature to attack. Open a signed message.',
    )
    const result = (await (await post('/api/attacks/replay', { message: first.id })).json()) as Result
    expect(result).toMatchObject({
      verdict: 'not made',
      note: 'It is unsigned: there is no signature to attack. Open a signed message.',
    })
  })

  test('an unknown message or attack is 404, and another site cannot attack', async () => {
    expect((await post('/api/attacks/replay', { message: 1e9 })).status).toBe(404)
    expect((await post('/api/attacks/nothing')).status).toBe(404)
    const evil = { method: 'POST', headers: { origin: 'https://evil.example' } }
    expect((await fetch(at('/api/attacks'), evil)).status).toBe(403)
  })
})

describe('the page', () => {
  const there = visit(started)
  const open = async (path: string, look: { width?: number; colorScheme?: 'light' | 'dark' } = {}) => {
    const { width = 1280, colorScheme = 'light' } = look
    const context = await there.browser.newContext({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true })
    const page = await context.newPage()
    await page.goto(`http://localhost:${there.place.base}${path}`)
    return page
  }

  when(
    `runs all attacks at a click, with a count as they come, and every one has held${why}`,
    async () => {
      const page = await open('/break')
      const faults: string[] = []
      page.on('pageerror', error => faults.push(error.message))
      const count = page.locator('.summary .count')
      expect(await count.textContent()).toBe('0 of 45 held')
      await page.getByRole('button', { name: 'Run all attacks' }).click()
      await page.getByRole('button', { name: 'Attacking …' }).waitFor()
      await expect.poll(() => count.getAttribute('data-made'), { timeout: 60_000 }).not.toBe('0')
      await page.getByText('Every attack was refused, and every unmodified twin passed.').waitFor({ timeout: 90_000 })
      expect(await count.textContent()).toBe('45 of 45 held')
      expect(await page.locator('.row[data-verdict="held"]').count()).toBe(45)
      expect(await page.locator('.row').count()).toBe(45)

      await page.getByRole('button', { name: 'Change a byte of the body' }).click()
      expect(new URL(page.url()).pathname).toBe('/break/change-body')
      const row = page.locator('.row[data-attack="change-body"]')
      expect(await row.locator('.side h4').allTextContents()).toEqual([
        'Unmodified twin 201 passes',
        'Attack 401 refused',
      ])
      expect(await row.locator('mark').allTextContents()).toEqual(['A'])
      expect(await row.locator('.line.changed').textContent()).toContain('{"summary":"Tea"')
      expect(await row.locator('.why').textContent()).toContain('digest_wrong')

      await page.reload()
      await page.locator('.row[data-attack="change-body"] .twins').waitFor()
      expect(await page.locator('.summary .count').textContent()).toBe('45 of 45 held')
      await page.getByLabel('not held').check()
      expect(await page.locator('.row').count()).toBe(0)
      await page.getByLabel('all').check()
      await page.getByLabel('Find').fill('approval_used')
      expect(await page.locator('.row').count()).toBe(1)
      expect(faults).toEqual([])
    },
    180_000,
  )

  when(
    `an attack that did not hold is shown as such, and counts${why}`,
    async () => {
      const page = await open('/')
      await page.route('**/api/scoreboard', async route => {
        const board = (await (await route.fetch()).json()) as { results: Array<Record<string, unknown>> }
        const results = board.results.map(one =>
          one['attack'] === 'replay' ? { ...one, verdict: 'attack passed' } : one,
        )
        await route.fulfill({ json: { ...board, results } })
      })
      await page.goto(`http://localhost:${there.place.base}/break`)
      await page.getByText('1 did not hold: see the rows marked ✗.').waitFor()
      expect(await page.locator('.summary .count').textContent()).toBe('44 of 45 held')
      await page.getByLabel('not held').check()
      expect(await page.locator('.row h3').allTextContents()).toEqual(['Replay it'])
      expect(await page.locator('.row .outcome').textContent()).toBe('✗ Not held')
    },
    60_000,
  )

  when(`fits a phone, and passes axe, light and dark${why}`, async () => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [390, 1280]) {
        const page = await open('/break/second-host', { width, colorScheme })
        await page.locator('.twins .pair').waitFor()
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
        await checkAxe(page, `${colorScheme}, ${width} px`)
        await page.context().close()
      }
  })
})
