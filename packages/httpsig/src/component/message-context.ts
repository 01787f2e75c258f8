import { type HttpMessage, type HttpRequestMessage, isResponse } from '../message/http-message.js'
import { headerValues, trimOws } from '../message/received-message.js'
import type { MessageParts } from './message-parts.js'
import { malformed } from './structured-field.js'

interface FieldContext {
  /** Every line's value of a field, trimmed; empty when there is none. `name` in lower case. */
  lines(name: string): readonly string[]
  /** Fields and query of which components are parts, parsed once for all of them; made by `resolveComponent`. */
  parts?: MessageParts
}

/** What component values are taken from: a request, and the scheme and authority it is verified or signed for. */
export interface RequestContext extends FieldContext {
  readonly method: string
  /** Path and query of the target URI, never decoded. */
  readonly target: string
  /** The raw request target, where it is not in origin form. */
  readonly requestTarget?: string
  readonly scheme: 'https' | 'http'
  readonly authority: string
}

/** What component values are taken from: a response, and the request that it answers. */
export interface ResponseContext extends FieldContext {
  readonly status: number
  /** Components with `req` are taken from it. */
  readonly request?: RequestContext | undefined
}

/** The HTTP message context of RFC 9421 §1.1. */
export type MessageContext = RequestContext | ResponseContext

const absoluteForm = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)/i

/** A field line's value without surrounding whitespace and obsolete folding. */
function unfolded(value: string): string {
  const trimmed = trimOws(value)
  if (!trimmed.includes('\r\n')) return trimmed
  const [first = '', ...folds] = trimmed.split('\r\n')
  // A line that begins without whitespace is no fold but a header smuggled into this one: `fieldLines` refuses its line break.
  return folds.every(fold => /^[ \t]/.test(fold)) ? [first, ...folds].map(trimOws).join(' ') : trimmed
}

function canonicalAuthority({ authority, scheme }: Pick<HttpRequestMessage, 'authority' | 'scheme'>): string {
  const lower = authority.toLowerCase()
  const standard = scheme === 'https' ? ':443' : ':80'
  return lower.endsWith(standard) ? lower.slice(0, -standard.length) : lower
}

/** Path and query of the target URI, as written; empty for the forms that have neither. */
function pathAndQuery({ target, scheme, authority }: HttpRequestMessage): string {
  if (target.startsWith('/')) return target
  const absolute = absoluteForm.exec(target)
  // Authority form (CONNECT) and asterisk form (OPTIONS) name no path (RFC 9110 §7.1).
  if (absolute === null) return ''
  const [origin, itsScheme = '', itsAuthority = ''] = absolute
  // An absolute target names an authority of its own; one that is not served here must not pass under the configured one.
  if (
    itsScheme.toLowerCase() !== scheme ||
    canonicalAuthority({ authority: itsAuthority, scheme }) !== canonicalAuthority({ authority, scheme })
  )
    throw malformed('the request target is for another scheme or authority', { expected: { scheme, authority } })
  return target.slice(origin.length)
}

function requestContext(message: HttpRequestMessage): RequestContext {
  return {
    method: message.method,
    requestTarget: message.target,
    scheme: message.scheme,
    // Computed only where a component needs them: a target of another authority refuses only signatures that cover it.
    get target() {
      return pathAndQuery(message)
    },
    get authority() {
      return canonicalAuthority(message)
    },
    lines: name => headerValues(message, name).map(unfolded),
  }
}

/** The context of a whole message, whatever the form of its request target. */
export function messageContext(message: HttpMessage): MessageContext {
  if (!isResponse(message)) return requestContext(message)
  const { status, request } = message
  return {
    status,
    request: request && requestContext(request),
    lines: name => headerValues(message, name).map(unfolded),
  }
}
