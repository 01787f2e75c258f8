/**
 * Headers of whatever a browser is answered with: no cache keeps it, no referrer tells of it, no other site frames it.
 * Add a `content-security-policy` of the page's own.
 */
export const pageSafety: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // For browsers that do not know frame-ancestors.
  'x-frame-options': 'DENY',
  // A page that opened this one could otherwise put another in its place while the user reads.
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
}

/** Sends the browser on, always with GET: 307 and 308 would repeat a form, its secrets included, elsewhere. */
export function seeOther(location: string, cookies: readonly string[] = []): Response {
  const response = new Response(null, { status: 303, headers: { location, ...pageSafety } })
  for (const cookie of cookies) response.headers.append('set-cookie', cookie)
  return response
}
