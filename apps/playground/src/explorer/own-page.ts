import type { MiddlewareHandler } from 'hono'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** Lets only the page itself use its server, and nothing of others into the page. @param origin the page's */
export function ownPageOnly(origin: string): MiddlewareHandler {
  const { host } = new URL(origin)
  return async (c, next) => {
    // DNS rebinding: a page of another site that resolves to this machine still sends its own name in Host.
    if (c.req.header('host') !== host) return c.text('this page answers as its own host only', 421)
    // CSRF: a form on another site could start stories and attacks.
    if (c.req.method !== 'GET' && c.req.header('origin') !== origin)
      return c.text('this page is used from itself only', 403)
    // Another site could read the messages of this one through a request that its page makes.
    if (c.req.header('sec-fetch-site') === 'cross-site' && c.req.header('sec-fetch-mode') !== 'navigate')
      return c.text('this page is used from itself only', 403)
    c.header('content-security-policy', policy)
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
    c.header('cache-control', 'no-store')
    return next()
  }
}
