import { isTexts, type JsonObject } from '../shared/json.js'

/** What an answer adds to the query. */
const answers: readonly string[] = ['code', 'error', 'state', 'iss', 'interaction']

/** Whether an agent takes answers at a URI. What its metadata may name is checked as they are read. @see protocol §6.3 */
export function isNamedRedirect(metadata: JsonObject, uri: string): boolean {
  const { redirect_uris: named, localhost_callback_allowed: isLocal } = metadata
  if (uri.length > 2048 || !URL.canParse(uri)) return false
  const { searchParams } = new URL(uri)
  if (answers.some(name => searchParams.has(name))) return false
  if (isTexts(named) && named.includes(uri)) return true
  return isLocal === true && /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+\//.test(uri)
}
