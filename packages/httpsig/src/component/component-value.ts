import { offPage } from '#off-page'
import { type HttpSigError, refusal } from '../error.js'
import { pathOf, queryOf } from '../message/target-parts.js'
import type { MessageContext, RequestContext } from './message-context.js'

const fieldName = /^[a-z0-9!#$%&'*+.^_`|~-]+$/
/** The characters that a line of the signature base may have. */
export const plainText: RegExp = /^[\t\x20-\x7e]*$/
// Characters that would begin a new line of the base.
const lineBreaking = /[\0\r\n]/

function derivedComponent(name: string, context: RequestContext): string | undefined {
  switch (name) {
    case '@method':
      return context.method
    case '@authority':
      return context.authority
    case '@path':
      return pathOf(context.target) || '/'
    case '@query':
      return queryOf(context.target)
    case '@scheme':
      return context.scheme
    case '@request-target':
      return context.requestTarget ?? context.target
    case '@target-uri':
      return `${context.scheme}://${context.authority}${context.target}`
    default:
      return undefined
  }
}

function missingComponent(name: string): HttpSigError {
  return refusal('component_missing', { cause: { component: name } })
}

/**
 * A field's lines, checked so that none can forge a line of the signature base.
 * @param allowed matches a line that may be covered
 */
export function fieldLines(name: string, context: MessageContext, allowed: RegExp = plainText): readonly string[] {
  const lines = fieldName.test(name) ? context.lines(name) : []
  if (lines.length === 0) throw missingComponent(name)
  for (const line of lines) {
    if (allowed.test(line)) continue
    if (lineBreaking.test(line)) throw refusal('header_value_invalid')
    throw refusal('component_value_invalid', {
      about: offPage && 'characters outside ASCII',
      cause: { component: name },
    })
  }
  return lines
}

/**
 * The value of a request's component that is covered without parameters: a signer in a page needs no others.
 * @throws HttpSigError `invalid_signature` when the component is unknown or the request does not have it
 * @see protocol §3.4, RFC 9421 §2
 */
export function bareValue(name: string, context: RequestContext): string {
  const value = name.startsWith('@') ? derivedComponent(name, context) : fieldLines(name, context).join(', ')
  if (value === undefined) throw missingComponent(name)
  return value
}
