/** A request as a browser sends it. */
export interface BrowserRequest {
  readonly origin: string
  readonly method: 'GET' | 'POST'
  /** Path and query as the URL or form has them: nothing is normalised. */
  readonly target: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: Uint8Array<ArrayBuffer>
}

/** A user's browser: it keeps cookies by origin and submits forms, runs no script, and follows no redirect by itself. */
export interface Browser {
  /** URLs it asked for, oldest first. */
  readonly trail: string[]
  /** Every `Set-Cookie` line it got, oldest first. */
  readonly set: string[]
  /** The cookies of an origin, by name. */
  cookies(origin: string): Map<string, string>
  get(url: string): Promise<Response>
  /** Submits a form. `headers` are what the browser says of the page that the form is on. */
  post(
    url: string,
    form: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>
  /** Opens a page and reads the csrf token of its form. */
  csrf(url: string): Promise<string>
}

/** What a browser says of a form on a page that sends no referrer. */
const ownPage = { origin: 'null', 'sec-fetch-site': 'same-origin' }

/** A browser whose requests `send` answers. */
export function openBrowser(send: (request: BrowserRequest) => Promise<Response> | Response): Browser {
  const jars = new Map<string, Map<string, string>>()
  const [trail, set]: [string[], string[]] = [[], []]
  const cookies: Browser['cookies'] = origin => {
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }
  const request = async (
    url: string,
    { headers, ...form }: Pick<BrowserRequest, 'method' | 'body'> & { readonly headers: object },
  ): Promise<Response> => {
    const { origin } = new URL(url)
    const jar = cookies(origin)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    trail.push(url)
    const target = url.slice(origin.length) || '/'
    const lines = Object.entries<string>({ ...(cookie === '' ? {} : { cookie }), ...headers })
    const response = await send({ origin, target, headers: lines, ...form })
    for (const line of response.headers.getSetCookie()) {
      set.push(line)
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/; *max-age=0(?:;|$)/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  const get: Browser['get'] = url => request(url, { method: 'GET', headers: {} })
  return {
    trail,
    set,
    cookies,
    get,
    post: (url, form, headers = ownPage) =>
      request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new TextEncoder().encode(new URLSearchParams(form).toString()),
      }),
    async csrf(url) {
      const { csrf = '' } = hiddenFields(await (await get(url)).text())
      return csrf
    },
  }
}

/** A browser that uses the network. */
export function networkBrowser(): Browser {
  return openBrowser(({ origin, target, headers, ...request }) =>
    fetch(`${origin}${target}`, { ...request, headers: headers.map(line => [...line]), redirect: 'manual' }),
  )
}

/** The fields of a page's forms that are not for the user to fill in. */
export function hiddenFields(page: string): Record<string, string> {
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)]
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value.replaceAll('&amp;', '&')]))
}
