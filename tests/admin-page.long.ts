import { operatorOf } from '@countersign/console'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { adminPlace } from './admin-place.fixture.js'
import { adminVisitor, confirmed, go, menu, told } from './admin-visitor.fixture.js'
import { visit, when, why } from './chromium.fixture.js'

// The admin page of an auth server in Chromium: each of its functions.

const at = visit(adminPlace)

when(`a link signs one browser in, leaves the address bar at once, and is used up${why}`, async () => {
  const link = await at.place.link('ada')
  const context = await at.browser.newContext()
  const page = await context.newPage()
  const asked: string[] = []
  page.on('request', request => asked.push(`${request.url()} ${JSON.stringify(request.headers())}`))
  await page.goto(link)
  await page.getByRole('button', { name: 'Sign in with this browser' }).waitFor()
  expect(page.url()).toBe(`${at.place.origin}/`)
  // No request has it but the one that uses it up, in its body.
  expect(asked.join('\n')).not.toContain(new URL(link).hash.slice('#enrol='.length))
  await page.getByRole('button', { name: 'Sign in with this browser' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  expect(await page.getByRole('banner').getByText('ada', { exact: true }).isVisible()).toBe(true)
  expect(asked.join('\n')).not.toContain(new URL(link).hash.slice('#enrol='.length))
  // It stays signed in over a reload.
  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await context.close()

  const other = await (await at.browser.newContext()).newPage()
  await other.goto(link)
  await other.getByRole('button', { name: 'Sign in with this browser' }).click()
  await other.getByRole('alert').filter({ hasText: 'was used already' }).waitFor()
  await other.goto(`${at.place.origin}/#/users`)
  await other.getByText('You sign in with a link.').waitFor()
  await other.context().close()
})

when(`users are searched, shown, blocked after a warning, let in again, and invited${why}`, async () => {
  await at.place.seed({
    users: [
      { sub: 'u-grace', name: 'Grace Hopper', email: 'grace@navy.example' },
      { sub: 'u-greta', name: 'Greta', email: 'greta@example.org' },
    ],
    grants: [{ agent: 'https://helper.example', user: 'u-grace', count: 3 }],
  })
  const { page, context, faults } = await adminVisitor(at)
  await menu(page, 'Users').click()
  await page.getByLabel('Search').fill('GRACE@')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect.poll(() => page.getByRole('row').count()).toBe(2)
  await page.getByRole('link', { name: 'Grace Hopper' }).click()
  await page.getByText('3 grants').waitFor()
  expect(await confirmed(page, 'Block this user', 'Cancel')).toContain('3 grants to agents will end')
  expect(await operatorOf(at.place.auth).users.show('u-grace')).not.toHaveProperty('blocked')
  await confirmed(page, 'Block this user', 'Block')
  await told(page, 'The user is blocked; 3 grants ended.')
  await page.getByText('blocked', { exact: true }).waitFor()
  expect(at.place.events).toContainEqual({ type: 'blocked', user: 'u-grace', grants: 3, by: 'root' })
  await go(page, 'users?blocked=true', 'Users')
  await expect.poll(() => page.getByRole('row').count()).toBe(2)
  await go(page, 'user?sub=u-grace', 'User')
  await page.getByRole('button', { name: 'Lift the block' }).click()
  await told(page, 'The user may sign in again.')
  await page.getByRole('button', { name: 'Make a link for a new passkey' }).click()
  await page.getByRole('dialog').getByText(`${at.place.users}/account/new?invitation=`).waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.content()).not.toContain('invitation=')
  expect(at.place.events).toContainEqual({ type: 'invited', kind: 'recovery', user: 'u-grace', by: 'root' })
  await go(page, 'user?sub=nobody', 'User')
  await page.getByText('There is no user with this sub.').waitFor()
  expect(faults).toEqual([])
  await context.close()
})

when(`grants are filtered, shown by pages, and ended: one, or all that fit${why}`, async () => {
  const agent = 'https://many.example'
  await at.place.seed({
    users: [{ sub: 'u-many' }],
    grants: [
      { agent, user: 'u-many', count: 53, delegate: 'phone' },
      { agent, resource: 'https://other.example', scope: 'x' },
    ],
  })
  const { page, context, faults } = await adminVisitor(at)
  await menu(page, 'Grants').click()
  await page.getByLabel('Agent', { exact: true }).fill(agent)
  await page.getByLabel('Delegate of this agent').fill('phone')
  await page.getByRole('button', { name: 'Search' }).click()
  await expect.poll(() => page.getByRole('row').count()).toBe(51)
  await page.getByRole('link', { name: 'Next page' }).click()
  await expect.poll(() => page.getByRole('row').count()).toBe(4)
  await page.getByRole('link', { name: 'First page' }).click()
  await expect.poll(() => page.getByRole('row').count()).toBe(51)
  await page
    .getByRole('link', { name: /^Grant / })
    .first()
    .click()
  await page.getByRole('heading', { name: 'Grant', exact: true }).waitFor()
  await page.getByText('events.read events.write').waitFor()
  expect(await confirmed(page, 'End this grant', 'End it')).toContain('loses access to https://calendar.example')
  await told(page, 'The grant has ended.')
  await page.getByText('There is no such grant, or it has ended.').waitFor()
  await go(page, `grants?agent=${encodeURIComponent(agent)}&delegate=phone`, 'Grants')
  expect(await confirmed(page, 'End all of these', 'End them')).toContain('52 grants will end')
  await told(page, '52 grants ended.')
  await page.getByText('No grant fits.').waitFor()
  const { items } = await operatorOf(at.place.auth).grants.list({ agent })
  expect(items.map(({ resource }) => resource)).toEqual(['https://other.example'])
  expect(faults).toEqual([])
  await context.close()
})

when(`agents, delegates and sites are blocked after a warning, and let ask again${why}`, async () => {
  const [robot, build] = ['https://robot.acme.example', 'https://build.acme.example']
  await at.place.seed({
    users: [{ sub: 'u-acme' }],
    grants: [
      { agent: robot, delegate: 'phone', user: 'u-acme', count: 2 },
      { agent: robot },
      { agent: build, user: 'u-acme' },
    ],
  })
  const { page, context, faults } = await adminVisitor(at)
  await menu(page, 'Agents').click()
  await page.getByRole('link', { name: robot }).click()
  expect(await confirmed(page, 'Block', 'Block')).toMatch(/delegate phone of .*2 grants of 1 user will end/)
  await told(page, 'Blocked; 2 grants ended.')
  await page.getByRole('button', { name: 'Lift the block' }).click()
  await told(page, 'The block is lifted.')
  expect(await confirmed(page, 'Block this agent', 'Block')).toContain('1 grant of 0 users will end')
  await told(page, 'Blocked; 1 grant ended.')
  await menu(page, 'Blocked').click()
  await page.getByLabel('Or all agents of a site').fill('acme.example')
  await page.getByRole('button', { name: 'Look at it' }).click()
  await page.getByText('Block all agents of acme.example?').waitFor()
  expect(await confirmed(page, 'Block', 'Block')).toMatch(/something here: 1.*1 grant of 1 user/)
  await told(page, 'Blocked; 1 grant ended.')
  await expect.poll(() => page.getByRole('row').count()).toBe(3)
  // A mistake is said in words, and changes nothing.
  await go(page, 'blocks?site=co.uk', 'Blocked')
  await page.locator('main').getByRole('button', { name: 'Block', exact: true }).click()
  await told(page, 'is no site')
  expect((await operatorOf(at.place.auth).agents.blocks()).length).toBe(2)
  await go(page, `agent?agent=${encodeURIComponent(build)}`, 'Agent')
  await page.getByText('its site is blocked').first().waitFor()
  await go(page, 'blocks', 'Blocked')
  for (let left = 2; left > 0; left--) {
    await page.getByRole('button', { name: 'Lift the block' }).first().click()
    await expect.poll(async () => (await operatorOf(at.place.auth).agents.blocks()).length).toBe(left - 1)
    await expect.poll(() => page.getByRole('button', { name: 'Lift the block' }).count()).toBe(left - 1)
  }
  // Chromium tells of the answer 400, and nothing else.
  expect(faults.filter(fault => !fault.includes('400'))).toEqual([])
  await context.close()
})

when(`the policy is tried: what is decided, and which rule does${why}`, async () => {
  const { page, context } = await adminVisitor(at)
  await menu(page, 'Policy').click()
  const ask = async (scope: string, words: string) => {
    await page.getByLabel('Agent', { exact: true }).fill('https://agent.example')
    await page.getByLabel('Resource').fill('https://calendar.example')
    await page.getByLabel('Scopes').fill(scope)
    await page.getByRole('button', { name: 'Try it' }).click()
    await page.getByRole('region', { name: 'Decision' }).getByText(words).waitFor()
  }
  await ask('events.read', 'A user is asked')
  await page.getByText('ask.0').waitFor()
  await ask('events.burn', 'Denied')
  await page.getByText('policy_refused').waitFor()
  await operatorOf(at.place.auth).agents.block({ agent: 'https://agent.example' })
  await ask('events.read', 'Denied')
  await page.getByText('caller_blocked').waitFor()
  await operatorOf(at.place.auth).agents.unblock({ agent: 'https://agent.example' })
  await context.close()
})

when(`the audit log is searched, and an event is shown with its proof${why}`, async () => {
  const { page, context, faults } = await adminVisitor(at)
  const agent = 'https://audited.example'
  const operator = operatorOf(at.place.auth)
  await operator.agents.block({ agent })
  const placed = async () => (await operator.audit.list({ agent })).events
  await expect.poll(async () => (await placed()).length, { timeout: 20_000 }).toBe(1)
  const [{ id } = { id: '' }] = await placed()
  // Its checkpoint is signed a moment after it has got its place.
  await expect.poll(() => operator.audit.prove(id).then(() => 'proven', String), { timeout: 20_000 }).toBe('proven')
  await menu(page, 'Audit').click()
  await page.getByRole('cell', { name: 'admin_enrolled' }).first().waitFor()
  await page.getByLabel('Agent', { exact: true }).fill(agent)
  await page.getByRole('button', { name: 'Search' }).click()
  await expect.poll(() => page.getByRole('row').count()).toBe(2)
  await page.getByRole('link', { name: /^Event / }).click()
  await page.getByRole('heading', { name: 'Event', exact: true }).waitFor()
  await page.getByRole('button', { name: 'Show its proof' }).click()
  await page.getByRole('dialog').getByText('countersign audit proof').waitFor()
  await page.getByRole('dialog').getByText(id).waitFor()
  await page.keyboard.press('Escape')
  await go(page, 'audit?type=nothing', 'Audit log')
  await page.getByText('No event fits.').waitFor()
  await operator.agents.unblock({ agent })
  expect(faults).toEqual([])
  await context.close()
})

when(`keys are listed, rotated, and revoked after a warning${why}`, async () => {
  const { page, context, faults } = await adminVisitor(at)
  await menu(page, 'Keys').click()
  await page.getByText('signs now').waitFor()
  await page.getByRole('button', { name: 'Make the next key' }).click()
  await page.getByText('signs later').waitFor()
  expect(await confirmed(page, 'Revoke', 'Revoke')).toContain('are refused from now on')
  await told(page, 'is revoked.')
  const states = (await operatorOf(at.place.auth).keys.list()).map(({ state }) => state)
  expect(states).toContain('revoked')
  expect(at.place.events).toContainEqual(expect.objectContaining({ type: 'key_revoked', by: 'root' }))
  expect(faults).toEqual([])
  await context.close()
})

when(
  `admins are listed and removed; who is removed is out at once, and who signs out has no key left${why}`,
  async () => {
    const [root, eve] = [await adminVisitor(at, 'root'), await adminVisitor(at, 'eve')]
    await menu(root.page, 'Admins').click()
    await root.page.getByRole('cell', { name: 'eve' }).waitFor()
    const row = root.page.getByRole('row').filter({ hasText: 'eve' })
    await row.getByRole('button', { name: 'Remove' }).click()
    await root.page.getByRole('dialog').getByText('1 browser').waitFor()
    await root.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await told(root.page, 'eve is removed.')
    await menu(eve.page, 'Users').click()
    await eve.page.getByText('This browser is not signed in any more.').waitFor()
    expect(await keptKeys(eve.page)).toBe(0)
    expect(await keptKeys(root.page)).toBe(1)
    await root.page.getByRole('button', { name: 'Sign out' }).click()
    await root.page.getByText('You sign in with a link.').waitFor()
    expect(await keptKeys(root.page)).toBe(0)
    await root.context.close()
    await eve.context.close()
  },
)

/** Keys in the storage of the page. */
function keptKeys(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open('countersign-admin', 1)
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const counting = opening.result.transaction('keys').objectStore('keys').count()
          counting.onsuccess = () => resolve(counting.result)
        }
      }),
  )
}
