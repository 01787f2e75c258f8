/** What a consent page showed to a user. */
export interface Asked {
  /** The heading of the page: which agent asks for access to which resource. Empty if an earlier consent was enough. */
  readonly heading: string
  /** The scopes, in the resource's words, or the claims about the user. */
  readonly choices: readonly string[]
  /** What a call would do that the user is asked to approve; absent or empty where access is asked for. */
  readonly call?: string
  /** The heading of the page after the decision. */
  readonly ended: string
  /** The headings of the pages before the consent page. */
  readonly before: readonly string[]
}

/** A user with a browser, who decides what agents may do. */
export interface StoryUser {
  /**
   * Opens an agent's link, signs in if needed, and connects accounts. A user who agrees agrees on every page, and one who refuses
   * does so on the first. `limits` are what they fill in on the consent page, by the names of the fields. Returns what the last page
   * asked.
   */
  decide(link: string, decision: Decision, limits?: Readonly<Record<string, string>>): Promise<Asked>
  /** Opens a page, follows its redirects, and returns the heading of the last page. */
  look(address: string): Promise<string>
  /** Types the code of a device at an auth server, and decides. Returns what was asked. */
  typeIn(code: { readonly verification_uri: string; readonly user_code: string }, decision: Decision): Promise<Asked>
  /**
   * Opens the account page of an auth server, signs in if needed, and presses the button that begins with these words. Returns what
   * the page says then; without words, what it says now.
   */
  account(authServer: string, words?: string): Promise<Account>
}

/** What an account page says. */
export interface Account {
  readonly heading: string
  /** What was just done; empty if nothing was. */
  readonly done: string
  /** The agents with access, by host. */
  readonly agents: readonly string[]
  /** What became of each resource that had to be told, the latest first. */
  readonly notices: readonly string[]
}

/** A {@link StoryUser} that a test can also control step by step. */
export interface ScriptedUser extends StoryUser {
  /** Opens a link and presses these buttons, one on each page. Returns the headings of the pages, and the last URL. */
  follow(link: string, buttons: readonly string[]): Promise<{ readonly headings: string[]; readonly url: string }>
  /** Signs in at an auth server and deletes the account there. */
  deleteAccount(authServer: string): Promise<void>
}

/** The texts of the buttons of a consent page. */
export type Decision = 'Allow' | 'Refuse'

/** Makes the user of that name, in a new browser. */
export type StoryUsers = (name: string) => StoryUser

interface Page {
  readonly url: URL
  readonly html: string
}

/**
 * A scripted user: a browser that keeps cookies, follows redirects and submits the forms of pages, which run no script.
 * @param name the demo user
 * @param fetcher loads the pages; default `fetch`
 */
export function scriptedUser(name: string, fetcher: typeof fetch = fetch): ScriptedUser {
  const visit = browser(name, fetcher)

  async function decided(first: Page, decision: Decision, limits?: Readonly<Record<string, string>>): Promise<Asked> {
    let page = first
    // bound: one call: mostPages
    const asked: Array<Pick<Asked, 'heading' | 'choices' | 'call'>> = []
    for (let pages = 0; pages < mostPages; pages++) {
      const button = buttonFor(page, { name, decision })
      if (button === undefined) break
      if (button !== name) asked.push(askedBy(page.html))
      page = await visit(...pressed(page, button, button === 'Allow' ? limits : undefined))
    }
    const last = asked.at(-1) ?? { heading: '', choices: [], call: '' }
    return { ...last, ended: headingOf(page.html), before: asked.slice(0, -1).map(({ heading }) => heading) }
  }

  const signedIn = (page: Page): Page | Promise<Page> =>
    page.html.includes('name="subject"') ? visit(...pressed(page, name)) : page

  return {
    decide: async (link, decision, limits) => decided(await visit(new URL(link)), decision, limits),
    async follow(link, buttons) {
      let page = await visit(new URL(link))
      const headings = [headingOf(page.html)]
      for (const button of buttons) {
        page = await visit(...pressed(page, button))
        headings.push(headingOf(page.html))
      }
      return { headings, url: page.url.href }
    },
    async deleteAccount(authServer) {
      const page = await signedIn(await visit(new URL(`${authServer}/account/data`)))
      await visit(...pressed(page, 'Delete the account', { sure: '1' }))
    },
    look: async address => headingOf((await visit(new URL(address))).html),
    async account(authServer, words) {
      const page = await signedIn(await visit(new URL(`${authServer}/account`)))
      return accountIn(words === undefined ? page : await visit(...pressed(page, words)))
    },
    async typeIn({ verification_uri, user_code }, decision) {
      const page = await signedIn(await visit(new URL(verification_uri)))
      return decided(await visit(...pressed(page, 'Continue', { user_code })), decision)
    },
  }
}

/** The begin of the `User-Agent` of scripted users: the explorer tells them from agents by it. */
export const storyBrowser = 'Playground browser'

const mostPages = 10

/** The button that a user with this name and decision presses; undefined on a page that asks nothing. */
function buttonFor(
  { html }: Page,
  { name, decision }: { readonly name: string; readonly decision: Decision },
): string | undefined {
  if (html.includes('name="subject"')) return name
  if (!html.includes('name="decision"')) return undefined
  if (html.includes('value="approve"')) return decision === 'Allow' ? 'Approve once' : 'No'
  return html.includes('>Connect<') ? 'Connect' : decision
}

/** Opens a URL, or submits a form to it, and follows redirects, with the cookies of each host. */
function browser(name: string, fetcher: typeof fetch): (url: URL, form?: URLSearchParams) => Promise<Page> {
  // bound: hosts that the stories open; grown by the program
  const cookies = new Map<string, Map<string, string>>()
  return async (first, form) => {
    let url = first
    for (let hops = 0; hops < 10; hops++) {
      // bound: cookies that our servers set; grown by the program
      const jar = cookies.get(url.hostname) ?? new Map<string, string>()
      cookies.set(url.hostname, jar)
      const cookie = [...jar].map(pair => pair.join('=')).join('; ')
      const submits = hops === 0 && form !== undefined
      const response = await fetcher(url, {
        redirect: 'manual',
        headers: {
          cookie,
          'user-agent': `${storyBrowser} (${name})`,
          ...(submits ? { origin: url.origin, 'sec-fetch-site': 'same-origin' } : {}),
        },
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

/** The target and fields of the form with that button: hidden fields, ticked boxes, and the button. */
function pressed(page: Page, button: string, fields: Readonly<Record<string, string>> = {}): [URL, URLSearchParams] {
  for (const [, attributes = '', inside = ''] of page.html.matchAll(/<form ([^>]*)>(.*?)<\/form>/gs)) {
    const [, own = ''] =
      [...inside.matchAll(/<button ([^>]*)>(.*?)<\/button>/gs)].find(([, , text = '']) =>
        beginsWith(textOf(text), button),
      ) ?? []
    if (own === '') continue
    const inputs = [...inside.matchAll(/<input ([^>]*)>/g)]
      .map(([, input = '']) => input)
      .filter(input => attribute(input, 'type') === 'hidden' || / checked/.test(input))
    const sent = [...inputs, own].map((element): [string, string] => [
      attribute(element, 'name'),
      attribute(element, 'value'),
    ])
    // What is filled in stands in place of what the page suggests.
    const kept = sent.filter(([name]) => name !== '' && !(name in fields))
    const form = new URLSearchParams([...kept, ...Object.entries(fields)])
    return [new URL(attribute(attributes, 'action'), page.url), form]
  }
  throw new Error(`the page ${page.url.pathname} has no button ${button}`)
}

/** Labels are told by their first words, since a user's address may follow; `No` is a whole one, and not the begin of `Not you?`. */
function beginsWith(label: string, words: string): boolean {
  return words === 'No' ? label === words : label.startsWith(words)
}

function askedBy(html: string): Pick<Asked, 'heading' | 'choices' | 'call'> {
  const [, call = ''] = /<p class="display">(.*?)<\/p>/s.exec(html) ?? []
  const [, list = ''] = /<ul class="scopes">(.*?)<\/ul>/s.exec(html) ?? []
  const items = [...list.matchAll(/<li>(.*?)<\/li>/gs)].map(([, item = '']) => item)
  // A mark may precede the text, and the scope's name may follow it.
  const words = items.map(item => item.replace(/<span class="sign".*?<\/span>/s, '').split('<small')[0] ?? '')
  return {
    heading: headingOf(html),
    choices: words.map(textOf),
    call: textOf(call.replace(/<span class="aside">.*?<\/span>/gs, '')),
  }
}

function accountIn({ html }: Page): Account {
  const [, list = ''] = /<ul class="notices">(.*?)<\/ul>/s.exec(html) ?? []
  const [, done = ''] = /<p class="told"[^>]*>(.*?)<\/p>/s.exec(html) ?? []
  return {
    heading: headingOf(html),
    done: textOf(done),
    agents: [...html.matchAll(/<section class="agent">.*?<h2>(.*?)<\/h2>/gs)].map(([, agent = '']) => textOf(agent)),
    notices: [...list.matchAll(/<li>(.*?)<\/li>/gs)].map(([, item = '']) => textOf(item.replace('<small', ': <small'))),
  }
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
