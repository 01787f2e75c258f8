import { headerLines } from '../../wire/message.js'
import { badSignature } from './refusal.js'
import type { PeerRequest } from './request.js'
import { type Item, isInnerList, memberText, type Parameters, parametersText, readDictionary } from './strict-field.js'

/** A component that a signature covers. */
export interface Covered {
  readonly name: string
  readonly parameters: Parameters
  /** As it stands in the signature base. */
  readonly text: string
}

/** Where a peer is. */
export interface Place {
  readonly authority: string
  readonly scheme: 'http' | 'https'
}

/** Reads the components of a signature. @see protocol §3.4 */
export function coveredComponents(items: readonly Item[]): readonly Covered[] {
  if (items.length > 32) throw badSignature('components_too_many', 'over 32 components are covered')
  const covered = items.map(({ bare, parameters }): Covered => {
    if (bare.kind !== 'string') throw badSignature('signature_malformed', 'a component is no String')
    return { name: String(bare.value), parameters, text: `${bare.text}${parametersText(parameters)}` }
  })
  const texts = new Set(covered.map(({ text }) => text))
  if (texts.size !== covered.length) throw badSignature('component_repeated', 'a component is covered twice')
  return covered
}

/** Whether a component is covered, without parameters. */
export function covers(covered: readonly Covered[], name: string): boolean {
  return covered.some(one => one.name === name && one.parameters.size === 0)
}

/** The value of a component. @see RFC 9421 §2 */
export function componentValue(component: Covered, request: PeerRequest, place: Place): string {
  const { name, parameters } = component
  const unsupported = badSignature('component_unsupported', `the component ${component.text} is unknown`)
  if (name === '@query-param') return queryParameter(component, request)
  if (name.startsWith('@') && parameters.size > 0) throw unsupported
  const { method, target, path, query } = request
  if (name === '@method') return method
  if (name === '@authority') return place.authority
  if (name === '@path') return path
  if (name === '@scheme') return place.scheme
  if (name === '@target-uri') return `${place.scheme}://${place.authority}${target}`
  if (name === '@request-target') return target
  if (name === '@query') {
    if (query === undefined) throw badSignature('query_missing', 'the target has no query')
    return `?${query}`
  }
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw unsupported
  return fieldValue(component, headerLines(request, name).map(trimmed))
}

function trimmed(line: string): string {
  return line.replace(/^[ \t]+|[ \t]+$/g, '')
}

function fieldValue({ text, parameters }: Covered, lines: readonly string[]): string {
  if (lines.length === 0) throw badSignature('component_missing', `the request has no ${text}`)
  if (!lines.every(line => /^[\t\x20-\x7e]*$/.test(line)))
    throw badSignature('component_value_invalid', `the value of ${text} is no ASCII`)
  if (parameters.size === 0) return lines.join(', ')
  const [[name, { value, kind }] = ['', { value: '', kind: '' }], ...more] = [...parameters]
  if (more.length > 0) throw badSignature('component_unsupported', `the parameters of ${text} go not together`)
  if (name === 'bs' && value === true)
    return lines.map(line => `:${Buffer.from(line, 'latin1').toString('base64')}:`).join(', ')
  const read = (name === 'key' && kind === 'string') || (name === 'sf' && value === true)
  if (!read) throw badSignature('component_unsupported', `a parameter of ${text} is unknown`)
  const dictionary = asDictionary(lines.join(', '), text)
  if (name === 'sf') return [...dictionary].map(([label, member]) => labelled(label, memberText(member))).join(', ')
  const member = dictionary.get(String(value))
  if (member === undefined) throw badSignature('component_missing', `the request has no ${text}`)
  return isInnerList(member) || member.bare.value !== true
    ? memberText(member)
    : `?1${parametersText(member.parameters)}`
}

function labelled(label: string, text: string): string {
  return text.startsWith('?1') ? `${label}${text.slice(2)}` : `${label}=${text}`
}

function asDictionary(value: string, text: string): ReturnType<typeof readDictionary> {
  try {
    return readDictionary(value)
  } catch {
    throw badSignature('component_value_invalid', `the value of ${text} is no Dictionary`)
  }
}

function queryParameter({ text, parameters }: Covered, { query = '' }: PeerRequest): string {
  const wanted = parameters.get('name')
  if (wanted?.kind !== 'string' || parameters.size !== 1)
    throw badSignature('component_unsupported', `${text} has not the one parameter name`)
  const encoded = (value: string): string =>
    encodeURIComponent(value).replace(/[!'()~]/g, one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
  const all = [...new URLSearchParams(query)]
  if (all.length > 1000) throw badSignature('components_too_many', 'the query has over 1000 parameters')
  const found = all.filter(([name]) => encoded(name) === wanted.value)
  const [[, value = ''] = []] = found
  if (found.length !== 1) throw badSignature('component_missing', `the request has not once ${text}`)
  return encoded(value)
}
