import { timingSafeEqual } from 'node:crypto'
import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import type { AAuthError } from '@countersign/protocol'
import { parseForm, refusal } from '@countersign/protocol/internal'
import type { BrowserSession } from './entrance.js'

/**
 * Reads a form of one of this server's pages: sent from its origin, with the csrf token of the browser's session (CSRF).
 * @throws AAuthError `access_denied` (403) for any other, `invalid_request` for one that is malformed
 * @see protocol §6.3
 */
export function pageForm(
  message: ReceivedMessage,
  { session, issuer }: { readonly session: BrowserSession | undefined; readonly issuer: string },
): ReadonlyMap<string, string> {
  checkOrigin(message, issuer)
  const [contentType, second] = headerValues(message, 'content-type')
  if (second !== undefined) throw refusal('content_type_unsupported', { about: 'application/x-www-form-urlencoded' })
  const form = parseForm(message.body, contentType)
  if (session === undefined || !isSame(form.get('csrf') ?? '', session.csrf)) throw formRefusal()
  return form
}

/**
 * Pages without referrer send `Origin: null` with their own forms, so then Fetch metadata decides; a browser that has
 * neither is refused.
 */
function checkOrigin(message: ReceivedMessage, issuer: string): void {
  const origins = headerValues(message, 'origin')
  const sites = headerValues(message, 'sec-fetch-site')
  if (origins.length > 1 || sites.length > 1) throw formRefusal()
  const [origin = 'null'] = origins
  const [site] = sites
  if (site === undefined ? origin === issuer : site === 'same-origin' && (origin === issuer || origin === 'null'))
    return
  throw formRefusal()
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}

function formRefusal(): AAuthError {
  return refusal('page_not_from_here')
}
