/**
 * Headers for every response to a browser: not cached, not sent as a referrer, not framed by other sites.
 * Add a `content-security-policy` for the page.
 */
export const pageSafety: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // For browsers without frame-ancestors.
  'x-frame-options': 'DENY',
  // Otherwise a page that opened this one could replace it while the user reads.
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
}

/** Redirects a browser with 303, so that it sends GET: 307 and 308 would send a form and its secrets to another place. */
export function seeOther(location: string, cookies: readonly string[] = []): Response {
  const response = new Response(null, { status: 303, headers: { location, ...pageSafety } })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
