import { type AAuthError, pageSafety } from '@countersign/protocol'

/**
 * Tells a user that it does not go on here. It speaks our own words only: nothing of a link, a token or a claim is in it,
 * so that there is nothing to inject (INT-11).
 */
export function interactionPage({ code, description, status, retryAfter }: AAuthError): Response {
  const words = code === 'discovery_failed' ? 'The service you came from cannot be checked right now.' : description
  const html =
    '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">' +
    '<meta name="color-scheme" content="light dark"><title>This did not work</title>' +
    `<h1>This did not work</h1><p>${words}</p><p>Nothing was allowed. You can close this page.</p></html>`
  const headers = new Headers(pageSafety)
  headers.set('content-type', 'text/html; charset=utf-8')
  headers.set(
    'content-security-policy',
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  )
  if (retryAfter !== undefined) headers.set('retry-after', String(Math.max(1, Math.ceil(retryAfter))))
  // 401 asks for a signature, which no browser can give.
  return new Response(html, { status: status === 401 ? 400 : status, headers })
}
