import { refusal } from '../error.js'
import { type HttpMessage, type HttpRequestMessage, isResponse } from '../message/http-message.js'
import { headerValues, trimOws } from '../message/received-message.js'
import type { MessageParts } from './message-parts.js'

interface FieldContext {
  /** The values of all lines of a field, trimmed. @param name in lower case */
  lines(name: string): readonly string[]
  /** Dictionaries and query, parsed once for all components that are parts of them; set by `resolveComponent`. */
  parts?: MessageParts
}

/** The source of component values: a request, and the scheme and authority it is verified or signed for. */
export interface RequestContext extends FieldContext {
  readonly method: string
  /** Path and query of the target URI, never decoded. */
  readonly target: string
  /** The raw request target, when it is not in origin form. */
  readonly requestTarget?: string
  readonly scheme: 'https' | 'http'
  readonly authority: string
}

/** The source of component values: a response, and the request it responds to. */
export interface ResponseContext extends FieldContext {
  readonly status: number
  /** The source of components with `req`. */
  readonly request?: RequestContext | undefined
}

/** The HTTP message context of RFC 9421 §1.1. */
export type MessageContext = RequestContext | ResponseContext

const absoluteForm = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)/i

/** A field line's value without surrounding whitespace and obsolete folding. */
function unfold(value: string): string {
  const trimmed = trimOws(value)
  if (!trimmed.includes('\r\n')) return trimmed
  const [first = '', ...folds] = trimmed.split('\r\n')
  // A line that does not begin with whitespace is a header smuggled into this one: `fieldLines` refuses the line break.
  return folds.every(fold => /^[ \t]/.test(fold)) ? [first, ...folds].map(trimOws).join(' ') : trimmed
}

function canonicalAuthority({ authority, scheme }: Pick<HttpRequestMessage, 'authority' | 'scheme'>): string {
  const lower = authority.toLowerCase()
  const standard = scheme === 'https' ? ':443' : ':80'
  return lower.endsWith(standard) ? lower.slice(0, -standard.length) : lower
}

/** Path and query of the target URI, as written; empty for authority form and asterisk form. */
function pathAndQuery({ target, scheme, authority }: HttpRequestMessage): string {
  if (target.startsWith('/')) return target
  const absolute = absoluteForm.exec(target)
  // Authority form (CONNECT) and asterisk form (OPTIONS) name no path (RFC 9110 §7.1).
  if (absolute === null) return ''
  const [origin, itsScheme = '', itsAuthority = ''] = absolute
  // An absolute target names its own authority. Another one than the configured one must not be signed as if it were that.
  if (
    itsScheme.toLowerCase() !== scheme ||
    canonicalAuthority({ authority: itsAuthority, scheme }) !== canonicalAuthority({ authority, scheme })
  )
    throw refusal('authority_mismatched', { cause: { expected: { scheme, authority } } })
  return target.slice(origin.length)
}

function requestContext(message: HttpRequestMessage): RequestContext {
  return {
    method: message.method,
    requestTarget: message.target,
    scheme: message.scheme,
    // Getters: a target of another authority refuses only signatures that cover target or authority.
    get target() {
      return pathAndQuery(message)
    },
    get authority() {
      return canonicalAuthority(message)
    },
    lines: name => headerValues(message, name).map(unfold),
  }
}

/** The context of a message, for every form of request target. */
export function messageContext(message: HttpMessage): MessageContext {
  if (!isResponse(message)) return requestContext(message)
  const { status, request } = message
  return {
    status,
    request: request && requestContext(request),
    lines: name => headerValues(message, name).map(unfold),
  }
}
