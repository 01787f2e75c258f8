import { queryOf } from '@countersign/httpsig/internal'
import { refusal } from '../error.js'
import { checkBodySize } from './body-size.js'

const maxParameters = 100
const mediaType = /^application\/x-www-form-urlencoded[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads a form-encoded body. A parameter with an empty value counts as absent.
 * @throws AAuthError `invalid_request`: 415 for another media type, 413 over 64 KiB, 400 for a parameter twice, a bad `%`
 * escape, a NUL, invalid UTF-8, or more than 100 parameters.
 * @see protocol §6.2
 */
export function parseForm(body: Uint8Array | undefined, contentType: string | undefined): ReadonlyMap<string, string> {
  const isEmpty = body === undefined || body.length === 0
  if (!(isEmpty && contentType === undefined) && !mediaType.test(contentType ?? ''))
    throw refusal('content_type_unsupported', { about: 'application/x-www-form-urlencoded' })
  if (isEmpty) return new Map()
  checkBodySize({ body })
  const pieces = textOf(body).split('&', maxParameters + 1)
  if (pieces.length > maxParameters) throw refusal('form_malformed', { about: 'more than 100 parameters' })
  const form = new Map<string, string>()
  for (const piece of pieces) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    const name = decode(equals === -1 ? piece : piece.slice(0, equals))
    // Of two values with one name, two readers could each take another one.
    if (form.has(name)) throw refusal('parameter_repeated', { code: 'invalid_request' })
    form.set(name, equals === -1 ? '' : decode(piece.slice(equals + 1)))
  }
  for (const [name, value] of form) if (value === '') form.delete(name)
  return form
}

/**
 * Reads the query of a request target like a form: no parameter twice, an empty one counts as absent.
 * @throws AAuthError `invalid_request`
 * @see protocol §6.3, §7
 */
export function parseQuery(target: string): ReadonlyMap<string, string> {
  return parseForm(new TextEncoder().encode(queryOf(target)?.slice(1) ?? ''), 'application/x-www-form-urlencoded')
}

function textOf(body: Uint8Array): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw refusal('form_malformed', { about: 'not UTF-8', cause })
  }
}

function decode(encoded: string): string {
  try {
    const text = decodeURIComponent(encoded.replaceAll('+', ' '))
    if (!text.includes('\0')) return text
  } catch (cause) {
    throw refusal('form_malformed', { about: 'a bad % escape', cause })
  }
  throw refusal('form_malformed', { about: 'a NUL' })
}
