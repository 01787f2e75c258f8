import { networkBrowser } from './browser.js'

/**
 * Signs in on the provider's own pages and agrees or refuses there.
 * @returns where the provider sends the browser then: a URL that begins with `redirectUri`
 */
export async function decideAtProvider(
  url: string,
  o: { readonly account: string; readonly redirectUri: string; readonly decision?: 'agree' | 'refuse' },
): Promise<string> {
  const browser = networkBrowser()
  let [next, form]: [URL, Record<string, string> | undefined] = [new URL(url), undefined]
  for (let step = 0; step < 12; step++) {
    const response: Response = await (form === undefined ? browser.get(next.href) : browser.post(next.href, form, {}))
    form = undefined
    const location = response.headers.get('location')
    const page = await response.text()
    if (location !== null) {
      next = new URL(location, next)
      if (next.href.startsWith(o.redirectUri)) return next.href
      continue
    }
    const isSignIn = page.includes('name="login"')
    if (!isSignIn && o.decision === 'refuse') next = new URL(/href="([^"]*\/abort)"/.exec(page)?.[1] ?? '', next)
    else {
      next = new URL(/action="([^"]+)"/.exec(page)?.[1] ?? '', next)
      form = isSignIn ? { prompt: 'login', login: o.account, password: 'x' } : { prompt: 'consent' }
    }
  }
  throw new Error('the provider does not redirect back')
}
