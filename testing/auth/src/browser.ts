import type { AuthServer } from '@countersign/auth-server'
import { openBrowser } from '@countersign/testing/browser'

/** A browser at one auth server: URLs are targets there. */
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
  const { origin, host } = new URL(issuer)
  const one = openBrowser(({ origin: _, headers, ...request }) =>
    auth.handle({ ...request, headers: [['host', host], ...headers], peer: '192.0.2.9' }),
  )
  return {
    cookies: one.cookies(origin),
    set: one.set,
    get: target => one.get(origin + target),
    post: (target, form, headers) => one.post(origin + target, form, headers),
    csrf: target => one.csrf(origin + target),
  }
}

/** Chooses a demo user. */
export async function signInAs(one: Browser, subject: string, returnTo = '/logout'): Promise<Response> {
  const csrf = await one.csrf(`/login?${new URLSearchParams({ return_to: returnTo })}`)
  return one.post('/login/demo', { csrf, subject, return_to: returnTo })
}

/** The reason that an error page shows. */
export async function reasonOf(response: Response): Promise<string | undefined> {
  return /data-reason="([a-z_]+)"/.exec(await response.text())?.[1]
}
