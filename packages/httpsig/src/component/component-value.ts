import { HttpSigError } from '../error.js'
import { pathOf, queryOf } from '../message/target-parts.js'
import { malformed } from './structured-field.js'

/** What component values are taken from: a request, and the scheme and authority it is verified or signed for. */
export interface RequestContext {
  readonly method: string
  /** Raw request target in origin form. */
  readonly target: string
  readonly scheme: 'https' | 'http'
  readonly authority: string
  /** Every line's value of a header, trimmed; empty when there is none. */
  lines(name: string): readonly string[]
}

const fieldName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
const plainText = /^[\t\x20-\x7e]*$/
// Exactly these would begin a new line of the base.
const lineBreaking = /[\0\r\n]/

function derived(name: string, context: RequestContext): string | undefined {
  switch (name) {
    case '@method':
      return context.method
    case '@authority':
      return context.authority
    case '@path':
      return pathOf(context.target)
    case '@query':
      return queryOf(context.target)
    case '@scheme':
      return context.scheme
    case '@request-target':
      return context.target
    case '@target-uri':
      return `${context.scheme}://${context.authority}${context.target}`
    default:
      return undefined
  }
}

/** A field's lines, checked so that none can forge a line of the signature base. */
export function fieldLines(name: string, context: RequestContext): readonly string[] {
  if (!fieldName.test(name)) throw malformed('a covered component is unknown')
  const lines = context.lines(name)
  if (lines.length === 0) throw malformed('a covered component is not in the request', { component: name })
  for (const line of lines) {
    if (plainText.test(line)) continue
    if (lineBreaking.test(line)) throw new HttpSigError('invalid_request', 'a header value holds NUL, CR or LF')
    throw malformed('a covered header value holds characters outside ASCII', { component: name })
  }
  return lines
}

/**
 * The value of a component covered without parameters.
 * @throws HttpSigError `invalid_signature` when it is unknown or not to be had from this request
 * @see docs/protocol.md §3.4, RFC 9421 §2
 */
export function bareValue(name: string, context: RequestContext): string {
  if (!name.startsWith('@')) return fieldLines(name, context).join(', ')
  const value = derived(name, context)
  if (value === undefined) throw malformed('a covered component is unknown or not in the request')
  return value
}
