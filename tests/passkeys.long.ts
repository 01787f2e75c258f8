import { verifies } from '@countersign/requirements'
import { freePort } from '@countersign/testing/ports'
import type { BrowserContext, CDPSession, Page } from 'playwright-core'
import { expect } from 'vitest'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { follow, press, reach } from './keyboard.fixture.js'
import { run, stand } from './processes.fixture.js'

// `countersign auth-server --passkeys` alone, and Chromium with a virtual authenticator: everything that users do with their accounts.

const at = visit(async () => {
  const place = stand()
  const port = await freePort()
  const id = `http://localhost:${port}`
  const settings = ['--id', id, '--development', '--data', `${place.folder}/auth`]
  const told: string[] = []
  const flags = ['--port', String(port), '--passkeys', 'invitation']
  await place.start('auth', ['auth-server', ...settings, ...flags], { hear: text => told.push(text) })
  return { id, settings, place, told: () => told.join(''), stop: () => place.stop() }
})

interface Device {
  readonly page: Page
  readonly context: BrowserContext
  /** Whether the authenticator verifies its user. */
  verifies(yes: boolean): Promise<unknown>
}

/** A browser profile with an authenticator of its own, which answers at once. */
async function device(): Promise<Device> {
  const context = await at.browser.newContext()
  const page = await context.newPage()
  const cdp: CDPSession = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  const verifies = (isUserVerified: boolean) =>
    cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
  return { page, context, verifies }
}

/** Makes an account by a link. */
async function makeAccount({ page }: Device, link: string, name: string): Promise<void> {
  await page.goto(link)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Make the account with a passkey' }).click()
  await page.waitForURL(`${at.place.id}/account`)
}

async function invited(...more: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(['auth-server', 'invite', ...at.place.settings, ...more])
  expect(code, stderr).toBe(0)
  return stdout.trim()
}

when(
  verifies('account.passkey', 'account.fresh', `the link that is printed at the start makes the first account${why}`),
  async () => {
    await expect.poll(at.place.told).toContain('/account/new?invitation=')
    const [link = ''] = /http:\/\/\S+invitation=\S+/.exec(at.place.told()) ?? []
    const ada = await device()
    const { page } = ada
    await makeAccount(ada, link, 'Ada Lovelace')
    expect(await page.getByText('Signed in as Ada Lovelace').isVisible()).toBe(true)

    // Out, and in again with the passkey.
    await page.goto(`${at.place.id}/logout`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.goto(`${at.place.id}/account`)
    await ada.verifies(false)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('alert').waitFor()
    await ada.verifies(true)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('heading', { name: 'Agents with access' }).waitFor()

    // A second passkey is that of another device; this one has one already.
    await page.getByRole('link', { name: 'Sign-in' }).click()
    await page.getByLabel('Name of the new passkey').fill('Key ring')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('This device has a passkey for your account already.').waitFor()

    // The link is used up.
    expect((await page.goto(link))?.status()).toBe(400)
    await ada.context.close()
  },
)

when(`further accounts by a link of the operator, and a way back into one${why}`, async () => {
  const [bob, phone] = [await device(), await device()]
  await makeAccount(bob, await invited(), 'Bob')
  await bob.page.goto(`${at.place.id}/account/data`)
  const [download] = await Promise.all([
    bob.page.waitForEvent('download'),
    bob.page.getByRole('link', { name: 'Download your data' }).click(),
  ])
  const data = JSON.parse((await streamText(await download.createReadStream())) || '{}') as { sub: string }
  await phone.page.goto(await invited('--user', data.sub))
  expect(await phone.page.getByText('Bob').isVisible()).toBe(true)
  await phone.page.getByRole('button', { name: 'Add a passkey' }).click()
  await phone.page.waitForURL(`${at.place.id}/account`)
  await phone.page.goto(`${at.place.id}/account/sign-in`)
  expect(await phone.page.getByText('Passkey added by a link of the operator').isVisible()).toBe(true)
  // Signed in here and there; then there no more.
  await phone.page.getByRole('button', { name: 'Sign out everywhere else' }).click()
  await bob.page.goto(`${at.place.id}/account`)
  expect(await bob.page.getByRole('button', { name: 'Sign in with a passkey' }).isVisible()).toBe(true)
  const unknown = await run(['auth-server', 'invite', ...at.place.settings, '--user', 'nobody'])
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('there is no such user')])
  for (const { context } of [bob, phone]) await context.close()
})

async function streamText(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

when(verifies('account.deleted', `a user deletes the account, after a fresh verification${why}`), async () => {
  const eve = await device()
  const { page } = eve
  await makeAccount(eve, await invited(), 'Eve')
  await page.goto(`${at.place.id}/account/verify?return_to=/account/data`)
  await page.getByRole('button', { name: 'Use your passkey' }).click()
  await page.getByLabel('I am sure: delete my account').check()
  await page.getByRole('button', { name: 'Delete the account' }).click()
  await page.getByRole('heading', { name: 'Account deleted' }).waitFor()
  await page.goto(`${at.place.id}/account`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await page.getByText('This passkey was not accepted').waitFor()
  await eve.context.close()
})

when(`the keyboard alone is enough, to make an account as to delete it${why}`, async () => {
  const one = await device()
  const { page } = one
  await page.goto(await invited())
  await reach(page, 'name=')
  await page.keyboard.type('Mary')
  await press(page, 'Make the account', 'Enter')
  await page.waitForURL(`${at.place.id}/account`)
  await follow(page, 'Your data')
  await page.getByRole('heading', { name: 'Your data' }).waitFor()
  await press(page, 'sure=')
  await follow(page, 'Delete the account')
  await page.getByRole('heading', { name: 'Account deleted' }).waitFor()
  await one.context.close()
})

when.each([
  ['light', { width: 390, height: 844 }],
  ['dark', { width: 1280, height: 800 }],
] as const)(`every page passes axe, in %s${why}`, async (colorScheme, viewport) => {
  const one = await device()
  const { page } = one
  const link = await invited()
  await page.emulateMedia({ colorScheme })
  await page.setViewportSize(viewport)
  for (const target of ['/login', link.slice(at.place.id.length)]) {
    await page.goto(`${at.place.id}${target}`)
    await checkAxe(page, target)
  }
  await makeAccount(one, link, 'Grace Hopper')
  for (const target of ['/account', '/account/sign-in', '/account/data', '/account/verify', '/account/new']) {
    await page.goto(`${at.place.id}${target}`)
    await checkAxe(page, target)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
    expect(overflow, `${target} is wider than the window`).toBe(false)
  }
  await one.context.close()
})
