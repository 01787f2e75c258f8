import { serializeItem } from 'structured-headers'
import { bareValue, type RequestContext } from './component-value.js'
import { componentValue, type MessageParts, messageParts } from './message-parts.js'
import type { Component } from './signature-input.js'
import { malformed } from './structured-field.js'

/** A component as it stands in Signature-Input: the bare name, or name and parameters in the written form. */
export function componentIdentifier(component: Component): string {
  return component.parameters ? serializeItem([component.name, component.parameters]) : component.name
}

/**
 * Builds the signature base: the components in the order received, then the parameters exactly as received.
 * @param parameters the member of Signature-Input, raw
 * @throws HttpSigError `invalid_signature` for a repeated, unknown or missing component
 * @see RFC 9421 §2.5
 */
export function signatureBase(components: readonly Component[], parameters: string, context: RequestContext): string {
  const seen = new Set<string>()
  let parts: MessageParts | undefined
  let base = ''
  for (const component of components) {
    const identifier = component.parameters ? componentIdentifier(component) : `"${component.name}"`
    // A component named twice could carry two values, each read by another party.
    if (seen.has(identifier)) throw malformed('a component is covered twice')
    seen.add(identifier)
    if (component.parameters) parts ??= messageParts()
    const value = parts ? componentValue(component, context, parts) : bareValue(component.name, context)
    base += `${identifier}: ${value}\n`
  }
  return `${base}"@signature-params": ${parameters}`
}

/**
 * Builds the signature base of what is covered without parameters, each once: all that a signer of requests needs, and
 * none of the code that reads structured fields.
 * @throws HttpSigError `invalid_signature` for an unknown or missing component
 * @see RFC 9421 §2.5
 */
export function bareSignatureBase(names: readonly string[], parameters: string, context: RequestContext): string {
  const lines = names.map(name => `"${name}": ${bareValue(name, context)}\n`)
  return `${lines.join('')}"@signature-params": ${parameters}`
}
