import { componentIdentifier } from '../component/component-identifier.js'
import { aauthProfile } from '../component/component-profile.js'
import { resolveComponent } from '../component/resolve-component.js'
import type { Component } from '../component/signature-input.js'
import { HttpSigError } from '../error.js'
import type { VerifyKey } from '../key/verify-key.js'
import { headerValues, type ReceivedMessage, trimOws } from '../message/received-message.js'

/** How the lines of a signature base are written: by RFC 9421, or with a usual mistake. */
export type Spelling = 'standard' | 'unquoted' | 'crlf' | 'line feed at the end' | 'without @signature-params'

/** Everything that a signature depends on: as received, or as a signer may have had it. */
export interface Reading {
  readonly method: string
  readonly scheme: 'https' | 'http'
  readonly authority: string
  readonly path: string
  /** With its `?`; undefined when the target has none. */
  readonly query: string | undefined
  /** Values of fields that differ from the received ones, by name. */
  readonly fields: Readonly<Record<string, string>>
  /** The value of `@signature-params`. */
  readonly parameters: string
  readonly spelling: Spelling
  readonly signature: Uint8Array
  readonly key: VerifyKey
}

function derivedValue(name: string, reading: Omit<Reading, 'key'>): string | undefined {
  switch (name) {
    case '@path':
      return reading.path
    case '@query':
      return reading.query
    case '@request-target':
      return reading.path + (reading.query ?? '')
    case '@target-uri':
      return `${reading.scheme}://${reading.authority}${reading.path}${reading.query ?? ''}`
    default:
      return undefined
  }
}

/** The value of one component in a reading; undefined when the request does not have the component. */
export function valueIn(
  component: Component,
  reading: Omit<Reading, 'key'>,
  message: ReceivedMessage,
): string | undefined {
  const { name } = component
  if (component.parameters === undefined) {
    const value =
      derivedValue(name, reading) ?? (Object.hasOwn(reading.fields, name) ? reading.fields[name] : undefined)
    if (value !== undefined || name === '@query') return value
  }
  try {
    const { method, scheme, authority, path, query = '' } = reading
    const lines = (field: string): string[] => headerValues(message, field).map(trimOws)
    return resolveComponent(component, { method, scheme, authority, target: path + query, lines }, aauthProfile)
  } catch (error) {
    if (error instanceof HttpSigError) return undefined
    throw error
  }
}

/** The signature base of a signer with this reading; undefined when a component has no value. */
export function baseOf(
  components: readonly Component[],
  reading: Omit<Reading, 'key'>,
  message: ReceivedMessage,
): string | undefined {
  const { spelling } = reading
  const lines: string[] = []
  for (const component of components) {
    const value = valueIn(component, reading, message)
    if (value === undefined) return undefined
    const identifier = component.parameters ? componentIdentifier(component) : `"${component.name}"`
    lines.push(`${spelling === 'unquoted' ? identifier.replaceAll('"', '') : identifier}: ${value}`)
  }
  if (spelling !== 'without @signature-params') lines.push(`"@signature-params": ${reading.parameters}`)
  return lines.join(spelling === 'crlf' ? '\r\n' : '\n') + (spelling === 'line feed at the end' ? '\n' : '')
}
