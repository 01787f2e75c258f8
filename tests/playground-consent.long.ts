import { type Asked, playScenario, type ScenarioName, type StoryUser, startParticipants } from '@countersign/playground'
import { verifies } from '@countersign/requirements'
import { freeBase } from '@countersign/testing/ports'
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { visit, when, why } from './chromium.fixture.js'
import { countersign } from './processes.fixture.js'

// The playground's stories that ask a user, with a real browser in place of the scripted one: links opened, buttons clicked.

const at = visit(async () =>
  startParticipants({ base: await freeBase(), countersign, execArgv: [], onReady: () => undefined }),
)

/** A user who clicks; `ended` gets the last page of the browser. */
function clickingUser(name: string, ended: string[]): StoryUser {
  const opened = at.browser.newContext({ javaScriptEnabled: false }).then(context => context.newPage())

  async function decided(page: Page, decision: string): Promise<Asked> {
    const asked: Array<Pick<Asked, 'heading' | 'choices' | 'call'>> = []
    for (;;) {
      const button = await buttonFor(page, decision)
      if (button === undefined) break
      const heading = await headingOf(page)
      if (button !== name)
        asked.push({
          heading,
          choices: await page.locator('ul.scopes bdi').allTextContents(),
          call: await callOn(page),
        })
      await Promise.all([page.waitForEvent('load'), buttonOf(page, button).click()])
      if (button !== name) ended.push(`${button}: ${await headingOf(page)}`)
    }
    const last = asked.at(-1) ?? { heading: '', choices: [] }
    return { ...last, ended: await headingOf(page), before: asked.slice(0, -1).map(({ heading }) => heading) }
  }

  /** The button to leave this page by. A user who is signed in already gets no sign-in page. */
  async function buttonFor(page: Page, decision: string): Promise<string | undefined> {
    const approval = decision === 'Allow' ? 'Approve once' : 'No'
    for (const button of [name, 'Connect', approval, decision]) {
      if ((await buttonOf(page, button).count()) > 0) return button
    }
    return undefined
  }

  return {
    async decide(link, decision) {
      const page = await opened
      await page.goto(link)
      return decided(page, decision)
    },
    async look(address) {
      const page = await opened
      await page.goto(address)
      return headingOf(page)
    },
    async account(authServer, words) {
      const page = await opened
      await page.goto(`${authServer}/account`)
      const choice = page.getByRole('button', { name, exact: false })
      if ((await choice.count()) > 0 && (await headingOf(page)).startsWith('Sign in'))
        await Promise.all([page.waitForEvent('load'), choice.first().click()])
      if (words !== undefined)
        await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: words }).first().click()])
      const told = page.locator('p.told')
      return {
        heading: await headingOf(page),
        done: (await told.count()) === 0 ? '' : ((await told.textContent()) ?? ''),
        agents: await page.locator('section.agent h2').allInnerTexts(),
        notices: (await page.locator('ul.notices li').allInnerTexts()).map(text => text.replace(/\s*\n\s*/g, ': ')),
      }
    },
    async typeIn({ verification_uri, user_code }, decision) {
      const page = await opened
      await page.goto(verification_uri)
      const choice = page.getByRole('button', { name })
      if ((await choice.count()) > 0) await Promise.all([page.waitForEvent('load'), choice.click()])
      await page.getByLabel('Code on your device').fill(user_code)
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('button', { name: 'Allow' }).waitFor()
      return decided(page, decision)
    },
  }
}

/** A person's button says more than their name; other ones say «Do not connect», and «Not you?». */
function buttonOf(page: Page, name: string): Locator {
  return page.getByRole('button', { name, exact: name === 'Connect' || name === 'No' })
}

/** What the call would do that the page asks to approve; empty on other pages. */
async function callOn(page: Page): Promise<string> {
  const shown = page.locator('p.display')
  if ((await shown.count()) === 0) return ''
  // The asides are for screen readers.
  const html = (await shown.innerHTML()).replace(/<span class="aside">.*?<\/span>/gs, '')
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim()
}

async function headingOf(page: Page): Promise<string> {
  const text = (await page.getByRole('heading', { level: 1 }).textContent()) ?? ''
  return text.replace(/\s+/g, ' ').trim()
}

const connecting = /^Connect: |: Are both accounts yours\?$/

when.each<readonly [ScenarioName, readonly string[]]>([
  ['user-consent', ['Allow: Allowed', 'Refuse: Refused']],
  [
    'sso',
    ['Allow: Hello Ada Lovelace', 'Refuse: You were not signed in', 'Allow: Hello Grace Hopper', 'Allow: Allowed'],
  ],
  ['device', ['Allow: Allowed', 'Refuse: Refused']],
  [
    'multi-hop',
    [
      'Allow: Allowed',
      'Allow: Are both accounts yours?',
      expect.stringMatching(/^Connect: localhost:\d+ asks for your access to localhost:\d+$/),
    ],
  ],
  ['oauth-downstream', ['Allow: Allowed', 'Allow: Sign in to the address book']],
  ['mcp', ['Allow: Allowed', 'Allow: Done', 'Approve once: Done', 'Approve once: Allowed', 'No: Nothing was allowed']],
  ['revocation', ['Allow: Allowed', 'Refuse: Refused']],
])(
  verifies('consent.page', 'consent.browser', `%s, decided by clicks${why}`),
  async (story, ends) => {
    const ended: string[] = []
    const { checks, messages } = await playScenario(at.place, story, {
      users: (name: string) => clickingUser(name, ended),
    })
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.length).toBeGreaterThan(10)
    // Accounts are connected once: `mcp` does it only where `multi-hop` has not been played before.
    const compared = story === 'multi-hop' ? ended : ended.filter(end => !connecting.test(end))
    expect(new Set(compared)).toEqual(new Set(ends))
    // Nothing but the pages: a browser asked the auth server for no icon, script or picture.
    const asked = messages.filter(({ to, response }) => to === at.place.addresses.authServer && response.status > 399)
    expect(asked.map(({ request }) => request.target)).toEqual(asked.map(() => '/agent/token'))
  },
  60_000,
)
