import { operatorOf } from '@countersign/console'
import { expect } from 'vitest'
import { adminPlace } from './admin-place.fixture.js'
import { adminVisitor, go, hostileNames, menu, told } from './admin-visitor.fixture.js'
import { checkAxe } from './axe.fixture.js'
import { visit, when, why } from './chromium.fixture.js'
import { reach } from './keyboard.fixture.js'

// The admin page in Chromium: on each size of screen, with the keyboard alone, and on a machine with a wrong clock.

const at = visit(adminPlace)

when.each([
  ['light', { width: 390, height: 844 }],
  ['dark', { width: 390, height: 844 }],
  ['light', { width: 1280, height: 800 }],
  ['dark', { width: 1280, height: 800 }],
] as const)(`every page passes axe and fits, in %s at %j${why}`, async (colorScheme, viewport) => {
  const agent = 'https://axe.example'
  await at.place.seed({
    users: [{ sub: `axe-${colorScheme}-${viewport.width}`, name: 'Ann Axe', email: 'ann@example.org' }],
    grants: [{ agent, delegate: hostileNames[1] ?? '', user: `axe-${colorScheme}-${viewport.width}` }],
  })
  await operatorOf(at.place.auth).agents.block({ agent: 'https://blocked.example' })
  const { items } = await operatorOf(at.place.auth).grants.list({ agent })
  // The rules of the page keep scripts of others out; axe is one.
  const { page, context } = await adminVisitor(at, 'root', { colorScheme, viewport, bypassCSP: true })
  const fits = async (what: string): Promise<void> => {
    await checkAxe(page, what)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
    expect(overflow, `${what} is wider than the window`).toBe(false)
  }
  for (const [address, heading] of [
    ['overview', 'Overview'],
    ['users', 'Users'],
    [`user?sub=axe-${colorScheme}-${viewport.width}`, 'User'],
    ['grants', 'Grants'],
    [`grant?grant=${items[0]?.grant}`, 'Grant'],
    ['agents', 'Agents'],
    [`agent?agent=${encodeURIComponent(agent)}`, 'Agent'],
    ['blocks?site=acme.example', 'Blocked'],
    ['audit', 'Audit log'],
    [`policy?agent=${agent}&resource=${agent}&scope=events.read`, 'Try the policy'],
    ['admins', 'Admins'],
    ['nowhere', 'Not found'],
  ] as const) {
    await go(page, address, heading)
    await fits(address)
  }
  await go(page, 'blocks?site=acme.example', 'Blocked')
  await page.locator('main').getByRole('button', { name: 'Block', exact: true }).click()
  await page.getByRole('dialog').waitFor()
  await fits('dialog')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You sign in with a link.').waitFor()
  await fits('signed out')
  await page.goto(await at.place.link())
  await page.getByRole('button', { name: 'Sign in with this browser' }).waitFor()
  await fits('link')
  await context.close()
})

when(`the keyboard alone is enough, to sign in as to block an agent; Escape blocks nobody${why}`, async () => {
  // Of this try alone: another one may have blocked its agent.
  const agent = `https://keys-${Date.now()}.example`
  await at.place.seed({ grants: [{ agent }] })
  const context = await at.browser.newContext()
  const page = await context.newPage()
  const operate = async (name: string): Promise<void> => {
    await page.getByText(name).first().waitFor()
    await reach(page, name)
    await page.keyboard.press('Enter')
  }
  const focused = () => expect.poll(() => page.evaluate(() => document.activeElement?.textContent))
  await page.goto(await at.place.link())
  await page.getByRole('button', { name: 'Sign in with this browser' }).waitFor()
  await operate('Sign in with')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await menu(page, 'Agents').focus()
  await page.keyboard.press('Enter')
  // Readers begin at the heading of the page.
  await focused().toBe('Agents')
  await operate(agent)
  await focused().toBe('Agent')
  await operate('Block this agent')
  await page.getByRole('dialog').waitFor()
  await focused().toBe('Cancel')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
  await focused().toBe('Block this agent')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await focused().toBe('Cancel')
  await page.keyboard.press('Tab')
  await focused().toBe('Block')
  await page.keyboard.press('Enter')
  await told(page, 'Blocked; 1 grant ended.')
  await context.close()
})

when(`a browser with a wrong clock signs with the time of the server${why}`, async () => {
  const { page, context } = await adminVisitor(at)
  await page.clock.install({ time: Date.now() - 3_600_000 })
  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await context.close()
})
