import { parseItem, serializeItem } from 'structured-headers'
import type { Component } from './signature-input.js'
import { countParameters, holdsMisreadNumber } from './structured-field.js'

const plainName = /^(?:@[a-z-]+|[A-Za-z0-9!#$%&'*+.^_`|~-]+)$/

/**
 * Reads a component identifier: a plain name (`@method`, `Content-Type`) or Structured Fields text (`"@query-param";name="a"`).
 * @throws TypeError for anything else
 * @see RFC 9421 §2
 */
export function parseComponent(identifier: string): Component {
  if (plainName.test(identifier)) return { name: identifier.toLowerCase() }
  let item: ReturnType<typeof parseItem>
  try {
    item = parseItem(identifier)
  } catch (cause) {
    throw new TypeError('a component is neither a name nor a Structured Fields String with parameters', { cause })
  }
  const [name, parameters] = item
  if (typeof name !== 'string' || countParameters(identifier) !== parameters.size || holdsMisreadNumber(identifier))
    throw new TypeError('a component is not a Structured Fields String with each parameter once')
  return parameters.size === 0 ? { name } : { name, parameters }
}

/** A component as Signature-Input writes it: the bare name, or a Structured Fields String with parameters. */
export function componentIdentifier(component: Component): string {
  return component.parameters ? serializeItem([component.name, component.parameters]) : component.name
}

/** One text for all spellings of an identifier, whose parameters may be in any order. */
export function componentKey({ name, parameters }: Component): string {
  // bound: one call
  if (parameters === undefined || parameters.size === 0) return serializeItem([name, new Map()])
  const sorted = [...parameters].sort(([a], [b]) => (a < b ? -1 : 1))
  // bound: one call
  return serializeItem([name, new Map(sorted)])
}
