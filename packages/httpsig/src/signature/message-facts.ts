import type { CoverageNeeds } from '../component/covered-components.js'
import type { RequestContext } from '../component/message-context.js'
import { type ContentDigest, parseContentDigest } from '../digest/content-digest.js'
import { refusal } from '../error.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'

interface Needs {
  readonly options: { readonly requiredComponents?: readonly string[] }
  readonly body: 'body' | 'no body'
}

/** What a signature of the message must cover, where it has a body or none. */
export function needsOf(message: ReceivedMessage, { options, body }: Needs): CoverageNeeds {
  return {
    hasQuery: message.target.includes('?'),
    hasBody: body === 'body',
    additional: options.requiredComponents ?? [],
    has: field => headerValues(message, field).length > 0,
  }
}

/** By what the components of the message are resolved. */
export function contextOf(message: ReceivedMessage, authority: string, scheme: 'https' | 'http'): RequestContext {
  const { method, target } = message
  return { method, target, scheme, authority, lines: name => headerValues(message, name).map(trimOws) }
}

const printable = /^[\x20-\x7e]+$/

/** The digests in Content-Digest of a message with a body. @throws HttpSigError */
export function digestOf(message: ReceivedMessage): ContentDigest {
  const values = headerValues(message, 'content-digest')
  if (values.length === 0) throw refusal('digest_missing')
  const value = values.map(trimOws).join(', ')
  if (!printable.test(value))
    throw refusal('digest_malformed', { about: 'it is empty or has characters outside printable ASCII' })
  return parseContentDigest(value)
}
