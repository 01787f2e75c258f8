/** What a consent page asked of a user, as it was shown to them. */
export interface Asked {
  /** Who asks for access to what: the page's heading. Empty when nothing was asked, since they had allowed it before. */
  readonly heading: string
  /** What they may allow, in the resource's words, or what it would tell about them. */
  readonly choices: readonly string[]
  /** The heading of the page that their answer led to. */
  readonly ended: string
}

/** Somebody with a browser of their own, who decides what agents may do. */
export interface StoryUser {
  /** Opens an agent's link, signs in where that is needed, and decides; what they were asked. */
  decide(link: string, decision: Decision): Promise<Asked>
  /** Opens a page and goes where it leads: the heading there. */
  look(address: string): Promise<string>
  /** Opens a page of an auth server and types in the code of a device; what they were asked. */
  typeIn(code: { readonly verification_uri: string; readonly user_code: string }, decision: Decision): Promise<Asked>
}

/** A {@link StoryUser} that can be led by hand. */
export interface ScriptedUser extends StoryUser {
  /** Opens a link and presses these buttons, one on each page that it comes to: what the pages are called, and where it ends. */
  follow(link: string, buttons: readonly string[]): Promise<{ readonly headings: string[]; readonly url: string }>
}

/** What the buttons of a consent page say. */
export type Decision = 'Allow' | 'Refuse'

/** The user of that name, in a fresh browser. */
export type StoryUsers = (name: string) => StoryUser

interface Page {
  readonly url: URL
  readonly html: string
}

/**
 * A user without hands: a browser that keeps cookies, follows redirects and submits the forms of the auth server's pages, which
 * run no script.
 * @param name the demo user they sign in as
 * @param fetcher what the browser loads pages with; default `fetch`
 */
export function scriptedUser(name: string, fetcher: typeof fetch = fetch): ScriptedUser {
  const visit = browser(fetcher)

  async function signedIn(address: string): Promise<Page> {
    const page = await visit(new URL(address))
    return page.html.includes('name="subject"') ? visit(...pressed(page, name)) : page
  }

  async function decided(page: Page, decision: Decision): Promise<Asked> {
    if (!page.html.includes('name="decision"')) return { heading: '', choices: [], ended: headingOf(page.html) }
    const { html } = await visit(...pressed(page, decision))
    return { ...askedBy(page.html), ended: headingOf(html) }
  }

  return {
    decide: async (link, decision) => decided(await signedIn(link), decision),
    async follow(link, buttons) {
      let page = await visit(new URL(link))
      const headings = [headingOf(page.html)]
      for (const button of buttons) {
        page = await visit(...pressed(page, button))
        headings.push(headingOf(page.html))
      }
      return { headings, url: page.url.href }
    },
    look: async address => headingOf((await visit(new URL(address))).html),
    async typeIn({ verification_uri, user_code }, decision) {
      const page = await signedIn(verification_uri)
      return decided(await visit(...pressed(page, 'Continue', { user_code })), decision)
    },
  }
}

/** Opens a URL, or submits a form there, and follows where that leads, with the cookies of each host. */
function browser(fetcher: typeof fetch): (url: URL, form?: URLSearchParams) => Promise<Page> {
  const cookies = new Map<string, Map<string, string>>()
  return async (first, form) => {
    let url = first
    for (let hops = 0; hops < 10; hops++) {
      const jar = cookies.get(url.hostname) ?? new Map<string, string>()
      cookies.set(url.hostname, jar)
      const cookie = [...jar].map(pair => pair.join('=')).join('; ')
      const submits = hops === 0 && form !== undefined
      const response = await fetcher(url, {
        redirect: 'manual',
        headers: { cookie, ...(submits ? { origin: url.origin, 'sec-fetch-site': 'same-origin' } : {}) },
        ...(submits ? { method: 'POST', body: form } : {}),
      })
      for (const [name, value] of response.headers.getSetCookie().map(parseCookie)) {
        if (value === '') jar.delete(name)
        else jar.set(name, value)
      }
      const html = await response.text()
      const location = response.headers.get('location')
      if (location === null) {
        if (!response.ok)
          throw new Error(`a page answers the user with ${response.status}: ${textOf(html).slice(-200)}`)
        return { url, html }
      }
      url = new URL(location, url)
    }
    throw new Error('a page leads the user round in circles')
  }
}

function parseCookie(line: string): readonly [string, string] {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
  return [name, value]
}

/** Where the form with that button goes, and what it sends: what it hides, what is ticked, and the button. */
function pressed(page: Page, button: string, fields: Readonly<Record<string, string>> = {}): [URL, URLSearchParams] {
  for (const [, attributes = '', inside = ''] of page.html.matchAll(/<form ([^>]*)>(.*?)<\/form>/gs)) {
    const [, own = ''] =
      [...inside.matchAll(/<button ([^>]*)>(.*?)<\/button>/gs)].find(([, , text = '']) =>
        textOf(text).startsWith(button),
      ) ?? []
    if (own === '') continue
    const inputs = [...inside.matchAll(/<input ([^>]*)>/g)]
      .map(([, input = '']) => input)
      .filter(input => attribute(input, 'type') === 'hidden' || / checked/.test(input))
    const sent = [...inputs, own].map((element): [string, string] => [
      attribute(element, 'name'),
      attribute(element, 'value'),
    ])
    const form = new URLSearchParams([...sent.filter(([name]) => name !== ''), ...Object.entries(fields)])
    return [new URL(attribute(attributes, 'action'), page.url), form]
  }
  throw new Error(`the page ${page.url.pathname} has no button ${button}`)
}

function askedBy(html: string): Omit<Asked, 'ended'> {
  const labels = [...html.matchAll(/<label><input type="checkbox"[^>]*>(.*?)<\/label>/gs)]
  // The words come first, the scope's name on the wire after them.
  return { heading: headingOf(html), choices: labels.map(([, label = '']) => textOf(label.split('<small')[0] ?? '')) }
}

function headingOf(html: string): string {
  const [, heading = ''] = /<h1[^>]*>(.*?)<\/h1>/s.exec(html) ?? []
  return textOf(heading)
}

function attribute(element: string, name: string): string {
  const [, value = ''] = new RegExp(`(?:^| )${name}="([^"]*)"`).exec(element) ?? []
  return unescaped(value)
}

function textOf(html: string): string {
  return unescaped(html.replace(/<style>.*?<\/style>/gs, '').replace(/<[^>]*>/g, ''))
    .replace(/\s+/g, ' ')
    .trim()
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
