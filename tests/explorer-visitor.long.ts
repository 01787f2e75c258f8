import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { StoryRun } from '../apps/playground/src/explorer/contract.js'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { startPlayground } from './playground-place.fixture.js'
import { stand } from './processes.fixture.js'

// A visitor of the playground takes part, by clicks in the real pages: as a user, as an operator, and with an agent of their own.

let base: number
const at = visit(async () => {
  const place = stand()
  base = await startPlayground(place)
  return place
})

const execute = promisify(execFile)
const own = (): string => `http://localhost:${base}`

async function opened(path: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await at.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  await page.goto(own() + path)
  return page
}

/** Starts a call, and opens the page of the auth server that it leads to. */
async function asked(page: Page, button: string): Promise<Page> {
  await page.getByRole('button', { name: button }).click()
  return followed(page)
}

async function followed(page: Page): Promise<Page> {
  const [there] = await Promise.all([
    page.context().waitForEvent('page'),
    page.getByRole('link', { name: /^Open the .* page$/ }).click(),
  ])
  there.setDefaultTimeout(20_000)
  return there
}

/** Runs axe in light and in dark. */
async function checkBoth(page: Page, what: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await checkAxe(page, what)
  }
}

const stage = (page: Page) => page.getByRole('region', { name: 'What happens to the call' })
const adds = 'Let it add an event to my calendar'

when(`a visitor agrees, is not asked again, takes it back, and is asked anew${why}`, async () => {
  const page = await opened('/you/user')
  const consent = await asked(page, adds)
  expect(await stage(page).getByRole('heading', { name: 'The agent asks you' }).isVisible()).toBe(true)
  await checkBoth(page, 'while the agent waits')
  await consent.getByRole('button', { name: /Ada Lovelace/ }).click()
  expect(await consent.getByText('Add events to your calendar').isVisible()).toBe(true)
  await consent.getByRole('button', { name: 'Allow' }).click()
  // The page of the agent's own listener, on 127.0.0.1.
  await consent.getByRole('heading', { name: 'Allowed' }).waitFor()
  await consent.close()

  await stage(page).getByRole('heading', { name: 'The event is in the calendar' }).waitFor()
  await checkBoth(page, 'after the call')
  const token = page.getByRole('region', { name: 'The auth token' })
  expect(await token.getByRole('row', { name: 'scope' }).textContent()).toContain('events.write')
  expect(await token.getByRole('row', { name: 'aud' }).textContent()).toContain(`http://localhost:${base + 30}`)
  expect(await page.getByText('your browser looks at the consent page', { exact: false }).count()).toBeGreaterThan(0)

  await page.getByRole('button', { name: 'Let the same agent call again' }).click()
  await page.getByText('You were not asked').waitFor()

  const [account] = await Promise.all([
    page.context().waitForEvent('page'),
    page.getByRole('link', { name: 'See and take back what you allowed' }).click(),
  ])
  await account.getByRole('button', { name: /^Take everything back from all agents/ }).click()
  await account.getByText('Taken back. From now on').waitFor()
  await account.close()
  const again = await asked(page, 'Let the same agent call again')
  expect(await again.getByText('Add events to your calendar').isVisible()).toBe(true)
  await again.getByRole('button', { name: 'Refuse' }).click()
  await stage(page).getByRole('heading', { name: 'Nothing was added' }).waitFor()
  expect(await stage(page).textContent()).toContain('the user said no')
  await page.context().close()
})

when(`a visitor refuses a payment, and approves one, which is asked after the access${why}`, async () => {
  const page = await opened('/you/user')
  const refusing = await asked(page, 'Let it pay 40 euros for a room')
  await refusing.getByRole('button', { name: /Grace Hopper/ }).click()
  await refusing.getByRole('button', { name: 'Refuse' }).click()
  await stage(page).getByRole('heading', { name: 'Nothing was paid' }).waitFor()
  await refusing.close()

  const access = await asked(page, 'Let it pay 40 euros for a room')
  await access.getByRole('button', { name: 'Allow' }).click()
  await access.getByRole('heading', { name: 'Allowed' }).waitFor()
  await access.close()
  await stage(page).getByText('Pay "40" euros for "the library"').waitFor()
  const approval = await followed(page)
  await approval.getByRole('button', { name: 'Approve once' }).click()
  await stage(page).getByRole('heading', { name: 'The payment was made' }).waitFor()
  await page.context().close()
})

when(`a visitor who does not answer lets the agent stop waiting, and another call may follow${why}`, async () => {
  const page = await opened('/you/user')
  await page.getByRole('button', { name: 'Let it pay 40 euros for a room' }).click()
  await stage(page).getByRole('heading', { name: 'The agent asks you' }).waitFor()
  expect(await page.getByRole('button', { name: adds }).isDisabled()).toBe(true)
  await page.getByRole('button', { name: 'Let it stop waiting' }).click()
  await stage(page).getByRole('heading', { name: 'The agent has stopped waiting' }).waitFor()
  expect(await page.getByRole('button', { name: adds }).isEnabled()).toBe(true)
  await page.context().close()
})

when(`a visitor makes an account with a passkey on the way to the consent page${why}`, async () => {
  const page = await opened('/you/user')
  // Whatever the agent of an earlier call may do: a new one asks for itself.
  await page.getByRole('button', { name: 'Let a new agent call' }).click()
  await stage(page).getByRole('heading', { name: 'The agent asks you' }).waitFor()
  await page.getByRole('button', { name: 'Let it stop waiting' }).click()
  const consent = await asked(page, adds)
  const cdp = await page.context().newCDPSession(consent)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  await consent.getByRole('link', { name: 'Make an account' }).click()
  await consent.getByLabel('Your name').fill('A visitor')
  await consent.getByRole('button', { name: 'Make the account with a passkey' }).click()
  await consent.getByText('Add events to your calendar').waitFor()
  expect(await consent.getByText('A visitor').isVisible()).toBe(true)
  await consent.getByRole('button', { name: 'Allow' }).click()
  await stage(page).getByRole('heading', { name: 'The event is in the calendar' }).waitFor()
  await page.context().close()
})

when(
  `an operator blocks a delegate that calls, its calls are refused, and unblocking brings them back${why}`,
  async () => {
    const page = await opened('/you/operator')
    const strip = page.getByRole('list', { name: 'The latest calls, oldest first' })
    const last = () => strip.locator('li').last().textContent()
    await page.getByRole('button', { name: 'Start a delegate' }).click()
    await expect.poll(last, { timeout: 20_000 }).toBe('200')
    await page.getByRole('button', { name: 'Block it at the auth server' }).click()
    await strip.getByText('delegate blocked').waitFor()
    await expect.poll(last, { timeout: 15_000 }).toBe('401')
    expect(await page.getByText(/caller_blocked/).isVisible()).toBe(true)
    await checkBoth(page, 'with refused calls')
    // The running server may have ended its grant already: then the command has none to end.
    expect(await page.locator('.visitor-terminal').textContent()).toMatch(/is blocked; grants ended: [01]\n/)
    await page.getByRole('button', { name: 'Unblock it at the auth server' }).click()
    await strip.getByText('delegate unblocked').waitFor()
    await expect.poll(last, { timeout: 15_000 }).toBe('200')
    // What a click changes is in sight of the button.
    const [changed, button] = await Promise.all([
      strip.locator('li').last().boundingBox(),
      page.getByRole('button', { name: 'Block it at the auth server' }).boundingBox(),
    ])
    expect(Math.abs((changed?.y ?? 0) - (button?.y ?? 10_000))).toBeLessThan(300)

    // The policy grants it anew, so a revoked grant alone does not stop it.
    await page.getByRole('button', { name: 'Revoke its grant' }).click()
    await strip.getByText('grant revoked').waitFor()
    expect(await page.locator('.visitor-terminal').textContent()).toContain('1 grant ended')
    await page.getByRole('button', { name: 'Block the whole agent' }).click()
    await strip.getByText('agent blocked', { exact: true }).waitFor()
    await expect.poll(last, { timeout: 15_000 }).toBe('401')
    await page.getByRole('button', { name: 'Unblock the whole agent' }).click()
    await strip.getByText('agent unblocked', { exact: true }).waitFor()
    await expect.poll(last, { timeout: 15_000 }).toBe('200')

    await page.getByRole('button', { name: 'Revoke it at the agent server' }).click()
    await strip.getByText('delegate revoked').waitFor()
    await expect.poll(last, { timeout: 90_000 }).toBe('401')
    expect(await page.getByText(/this delegate was revoked/).isVisible()).toBe(true)
    await page.getByRole('button', { name: 'Stop it' }).click()
    await page.getByRole('button', { name: 'Start it again' }).waitFor()
    await page.context().close()
  },
  300_000,
)

when(
  `a story that is played while the delegate calls holds no call of it, and the delegate goes on after it${why}`,
  async () => {
    const page = await opened('/you/operator')
    await page.getByRole('button', { name: /^Start(?! afresh)/ }).click()
    const strip = page.getByRole('list', { name: 'The latest calls, oldest first' })
    await expect.poll(() => strip.locator('li').last().textContent(), { timeout: 20_000 }).toBe('200')
    const story = `${own()}/api/stories/refresh`
    await fetch(story, { method: 'POST', headers: { origin: own() } })
    await page.getByText('It waits: a story is being played.').waitFor()
    const run = async () => (await (await fetch(story)).json()) as StoryRun
    await expect.poll(async () => (await run()).state, { timeout: 60_000 }).toBe('ended')
    const { ok, messages } = await run()
    expect(ok).toBe(true)
    expect(messages.filter(({ request }) => request.target.includes('latest=1'))).toEqual([])
    await page.getByText('Its calls are answered').waitFor()
    await page.getByRole('button', { name: 'Stop it' }).click()
    await page.context().close()
  },
  120_000,
)

/** Gets a code for an agent of this name, and shows one of the forms. */
async function codeFor(page: Page, label: string, form: string): Promise<string[]> {
  await page.getByLabel('Name').fill(label)
  await page.getByRole('button', { name: /^Get a(?:nother)? code$/ }).click()
  await page.getByText(`Waiting for ${label}`).waitFor()
  await page.getByRole('button', { name: form, exact: true }).click()
  return page.locator('.visitor-paste pre').allTextContents()
}

const calls = (page: Page, label: string) => page.getByRole('list', { name: `Calls of ${label}` })

when(
  `each form of bringing an agent works as it is shown, and the page tells of the agent${why}`,
  async () => {
    const page = await opened('/you/agent')
    const cwd = mkdtempSync(join(tmpdir(), 'countersign-visitor-'))
    try {
      const [line = ''] = await codeFor(page, 'Shell agent', 'Terminal')
      await execute('sh', ['-c', line], { cwd })
      await page.getByRole('heading', { name: 'Shell agent is here' }).waitFor({ timeout: 1000 })
      await calls(page, 'Shell agent').getByText('at Calendar, authorized').waitFor({ timeout: 1000 })

      const [program = '', run = ''] = await codeFor(page, 'Script agent', 'TypeScript')
      const file = run.replace('node ', '')
      writeFileSync(join(cwd, file), program)
      const { stdout } = await execute('sh', ['-c', run], { cwd })
      expect(stdout).toMatch(/^200 authorized /)
      await calls(page, 'Script agent').getByText('at Calendar, authorized').waitFor({ timeout: 1000 })
      // The state beside the program holds the enrolment: the code is not needed again.
      expect((await execute('sh', ['-c', run], { cwd })).stdout).toMatch(/^200 authorized /)

      const [configuration = ''] = await codeFor(page, 'Tools agent', 'MCP client')
      const { command, args } = JSON.parse(configuration).mcpServers.playground
      const client = new Client({ name: 'visitor', version: '1' })
      await client.connect(new StdioClientTransport({ command, args, cwd, stderr: 'ignore' }))
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('what_time')
      const told = JSON.stringify(await client.callTool({ name: 'what_time', arguments: {} }))
      expect(told).toContain('tools-agent-')
      await calls(page, 'Tools agent').getByText('tools/call what_time').first().waitFor({ timeout: 1000 })
      await client.close()
      await checkBoth(page, 'with three agents')
    } finally {
      rmSync(cwd, { recursive: true, force: true })
    }
    await page.context().close()
  },
  180_000,
)

when(`a copy button copies exactly what is shown${why}`, async () => {
  const page = await opened('/you/agent', { permissions: ['clipboard-read', 'clipboard-write'] })
  for (const form of ['Terminal', 'TypeScript', 'MCP client']) {
    const [shown] = await codeFor(page, 'Copied', form)
    await page.getByRole('button', { name: /^Copy/ }).first().click()
    await page.getByText('Copied', { exact: true }).first().waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(shown)
  }
  await page.context().close()
})

when(`another site cannot make the playground act, and what is not on a list is not acted on${why}`, async () => {
  const send = (path: string, origin: string, body: object) =>
    fetch(`${own()}/api/visitor/${path}`, { method: 'POST', headers: { origin }, body: JSON.stringify(body) })
  for (const [path, body] of [
    ['call', { kind: 'event' }],
    ['heartbeat', { on: true }],
    ['invitations', { label: 'x' }],
    ['operator', { act: 'block-agent', on: '' }],
  ] as const)
    expect((await send(path, 'https://evil.example', body)).status, path).toBe(403)
  expect((await send('operator', own(), { act: 'block-delegate', on: 'nobody' })).status).toBe(409)
  expect((await send('operator', own(), { act: 'restore', on: 'nobody' })).status).toBe(400)
  expect((await send('call', own(), { kind: 'theft' })).status).toBe(400)
  expect((await send('invitations', own(), { label: '--sub=ada' })).status).toBe(400)
  expect((await send('invitations', own(), { label: 'x'.repeat(2000) })).status).toBe(413)
})

when(`the views pass axe, in light and dark, and fit a phone${why}`, async () => {
  for (const options of [
    { colorScheme: 'light' as const, viewport: { width: 1280, height: 860 } },
    { colorScheme: 'dark' as const, viewport: { width: 390, height: 844 } },
  ])
    for (const path of ['/you', '/you/user', '/you/operator', '/you/agent']) {
      const page = await opened(path, options)
      await page.locator('main :is(button, h2)').first().waitFor()
      await checkAxe(page, path)
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
        options.viewport.width,
      )
      await page.context().close()
    }
})
