import type { AuthServer } from '../auth-server.js'

/** A browser as an auth server sees it: it keeps cookies, submits forms of the page it is on, and runs no script. */
export interface Browser {
  /** By name, as the server set them. */
  readonly cookies: Map<string, string>
  /** Every `Set-Cookie` value. */
  readonly set: string[]
  get(target: string): Promise<Response>
  /** Fills in a form as the page's own would be; `headers` change what the browser says of where it comes from. */
  post(target: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Response>
  /** Opens `target` and reads the csrf token of its form. */
  csrf(target: string): Promise<string>
}

export function browser(auth: Pick<AuthServer, 'handle'>, issuer: string): Browser {
  const cookies = new Map<string, string>()
  const set: string[] = []
  async function send(
    method: string,
    target: string,
    o: { body?: string; headers?: Record<string, string> },
  ): Promise<Response> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers: Array<readonly [string, string]> = Object.entries({
      host: new URL(issuer).host,
      ...(cookie === '' ? {} : { cookie }),
      ...o.headers,
    })
    const body = o.body === undefined ? undefined : new TextEncoder().encode(o.body)
    const response = await auth.handle({
      method,
      target,
      headers,
      peer: '192.0.2.9',
      ...(body === undefined ? {} : { body }),
    })
    for (const line of response.headers.getSetCookie()) {
      set.push(line)
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (line.includes('Max-Age=0')) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  return {
    cookies,
    set,
    get: target => send('GET', target, {}),
    post: (target, form, headers = { origin: 'null', 'sec-fetch-site': 'same-origin' }) =>
      send('POST', target, {
        body: new URLSearchParams(form).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      }),
    async csrf(target) {
      const page = await (await send('GET', target, {})).text()
      return /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
    },
  }
}

/** Chooses a demo user. */
export async function signInAs(one: Browser, subject: string, returnTo = '/logout'): Promise<Response> {
  const csrf = await one.csrf(`/login?${new URLSearchParams({ return_to: returnTo })}`)
  return one.post('/login/demo', { csrf, subject, return_to: returnTo })
}
