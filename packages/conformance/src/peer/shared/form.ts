import { headerValue } from '../../wire/message.js'
import { utf8 } from './json.js'
import { badMediaType, badRequest, refusing } from './refusal.js'
import type { PeerRequest } from './request.js'

/** The parameters of a form. */
export type Form = ReadonlyMap<string, string>

/** Refuses what a token endpoint takes of no request. @see protocol §6.2, §8 */
export function checkEndpoint(request: PeerRequest, mediaType = 'application/x-www-form-urlencoded'): void {
  if (request.method !== 'POST')
    throw refusing(405, 'invalid_request')('method_not_allowed', 'the endpoint takes POST').with({
      headers: { allow: 'POST' },
    })
  if (request.query !== undefined) throw badRequest('parameters_in_url', 'a parameter is in the URL')
  if (headerValue(request, 'content-encoding') !== undefined)
    throw badMediaType('body_compressed', 'the body has a content coding')
  const type = headerValue(request, 'content-type')
  if (type !== undefined && type.split(';')[0]?.trim().toLowerCase() !== mediaType)
    throw badMediaType('content_type_unsupported', `the endpoint takes ${mediaType}`)
}

/** Reads a form in which each parameter comes once; an empty one is absent. */
export function readForm(body: Buffer): Form {
  let text: string
  try {
    text = utf8(body)
    decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw badRequest('form_malformed', 'the body is no form')
  }
  const all = [...new URLSearchParams(text)]
  if (all.length > 100) throw badRequest('form_malformed', 'the form has over 100 parameters')
  if (new Set(all.map(([name]) => name)).size !== all.length)
    throw badRequest('parameter_repeated', 'a parameter comes twice')
  return new Map(all.filter(([, value]) => value !== ''))
}

/** A parameter that must be there. */
export function needParameter(form: Form, name: string): string {
  const value = form.get(name)
  if (value === undefined) throw badRequest('parameter_missing', `\`${name}\` is missing`)
  return value
}
