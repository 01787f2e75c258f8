/** A user with a browser that runs no script: it keeps cookies, follows redirects and submits forms. */
export interface ScriptedUser {
  /** Opens a link of an auth server, signs in as a demo user, decides, and follows where that leads. */
  decide(link: string, decision: 'allow' | 'deny'): Promise<Arrived>
  /** Types in the code that a device shows. */
  typeIn(verification_uri: string, user_code: string): Promise<Arrived>
}

/** Where the browser ended. */
export interface Arrived {
  readonly url: string
  readonly status: number
  readonly text: string
  /** Texts of all pages on the way, in order. */
  readonly pages: readonly string[]
}

/** Where the browser comes to the app; what it gets is said by `answer`, without a network. */
export interface Callback {
  readonly redirectUri: string
  readonly answer: (url: URL) => Promise<Response>
}

export function scriptedUser(name: string, callback?: Callback): ScriptedUser {
  const cookies = new Map<string, Map<string, string>>()

  async function open(address: string, form?: URLSearchParams, pages: string[] = []): Promise<Arrived> {
    let [url, body] = [new URL(address), form]
    for (let hops = 0; hops < 10; hops++) {
      const response = await send(url, body)
      const location = response.headers.get('location')
      if (location === null) {
        const text = await response.text()
        return { url: url.href, status: response.status, text, pages: [...pages, text] }
      }
      url = new URL(location, url)
      body = undefined
    }
    throw new Error('redirected for ever')
  }

  async function send(url: URL, body: URLSearchParams | undefined): Promise<Response> {
    if (callback !== undefined && url.href.startsWith(`${callback.redirectUri}?`)) return callback.answer(url)
    const jar = cookies.get(url.origin) ?? new Map<string, string>()
    cookies.set(url.origin, jar)
    const cookie = [...jar].map(pair => pair.join('=')).join('; ')
    const headers = { cookie, ...(body === undefined ? {} : { origin: url.origin, 'sec-fetch-site': 'same-origin' }) }
    const response = await fetch(url, {
      ...{ redirect: 'manual', headers, method: body === undefined ? 'GET' : 'POST' },
      ...(body === undefined ? {} : { body }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(key, value)
    }
    return response
  }

  async function goOn(page: Arrived, fill: (form: string) => URLSearchParams | undefined): Promise<Arrived> {
    for (const [, action = '', inside = ''] of page.text.matchAll(
      /<form method="post" action="([^"]*)"[^>]*>(.*?)<\/form>/gs,
    )) {
      const fields = fill(inside)
      if (fields === undefined) continue
      for (const [, key = '', value = ''] of inside.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g))
        fields.append(key, value.replaceAll('&amp;', '&'))
      return open(new URL(action.replaceAll('&amp;', '&'), page.url).href, fields, [...page.pages])
    }
    throw new Error(`no form to fill in at ${new URL(page.url).pathname}`)
  }

  async function signIn(page: Arrived): Promise<Arrived> {
    if (!page.text.includes('name="subject"')) return page
    return goOn(page, form => {
      const button = [...form.matchAll(/name="subject" value="([^"]+)">(.*?)<\/button>/gs)].find(([, , text]) =>
        text?.includes(name),
      )
      return button === undefined ? undefined : new URLSearchParams({ subject: button[1] ?? '' })
    })
  }

  function answer(page: Arrived, decision: 'allow' | 'deny'): Promise<Arrived> {
    return goOn(page, form => {
      if (!form.includes('name="decision"')) return undefined
      const scopes = [...form.matchAll(/name="(scope:[^"]+)"/g)].map(([, scope = '']): [string, string] => [
        scope,
        'on',
      ])
      return new URLSearchParams([...scopes, ['decision', decision]])
    })
  }

  return {
    async decide(link, decision) {
      const page = await signIn(await open(link))
      // A remembered grant answers without a page.
      return page.text.includes('name="decision"') ? answer(page, decision) : page
    },
    async typeIn(verification_uri, user_code) {
      const page = await signIn(await open(verification_uri))
      const asked = await goOn(page, form =>
        form.includes('name="user_code"') ? new URLSearchParams({ user_code }) : undefined,
      )
      return answer(asked, 'allow')
    },
  }
}
