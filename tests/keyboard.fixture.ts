import type { Page } from 'playwright-core'

// A user without a mouse: only the keys Tab, Enter and Space, and what has the focus.

/** Tabs on to the element whose text, or `name=value`, begins with `name`. */
export async function reach(page: Page, name: string): Promise<void> {
  const seen: string[] = []
  for (let tabs = 0; tabs < 60; tabs++) {
    await page.keyboard.press('Tab')
    const [field = '', text = ''] = await page.evaluate(() => {
      const { name: named, value, localName, textContent } = document.activeElement as HTMLInputElement
      // At the end of a page the focus is on its body, which contains all texts.
      return [`${named}=${value}`, localName === 'body' ? '' : (textContent ?? '')]
    })
    if ([field, text.trim()].some(said => said.startsWith(name))) return
    seen.push(field, text.trim().slice(0, 30))
  }
  throw new Error(`the keyboard does not reach ${name} at ${page.url()}: ${seen.join('|')}`)
}

/** Tabs on to an element of this page and presses a key on it. The page stays. */
export async function press(page: Page, name: string, key = 'Space'): Promise<void> {
  await reach(page, name)
  await page.keyboard.press(key)
}

/** Tabs on to a link or button, presses Enter, and waits for the document that it opens. */
export async function follow(page: Page, name: string): Promise<void> {
  await reach(page, name)
  const opened = page.waitForEvent('domcontentloaded')
  await page.keyboard.press('Enter')
  await opened
}
