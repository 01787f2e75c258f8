import { refusal } from '../error.js'
import { componentIdentifier, componentKey } from './component-identifier.js'
import type { ComponentProfile } from './component-profile.js'
import { bareValue } from './component-value.js'
import type { MessageContext, RequestContext } from './message-context.js'
import { resolveComponent } from './resolve-component.js'
import type { Component } from './signature-input.js'

/** The covered components and parameters, from one member of Signature-Input. */
export interface Coverage {
  /** In the order received. */
  readonly components: readonly Component[]
  /** The Inner List, strictly serialised: the value of `@signature-params`. */
  readonly text: string
}

/**
 * Builds the signature base: the components in the order received, then the parameters.
 * @throws HttpSigError as {@link resolveComponent}, and `invalid_signature` for a component that is covered twice
 * @see RFC 9421 §2.5
 */
export function signatureBase(
  { components, text }: Coverage,
  message: MessageContext,
  profile: ComponentProfile,
): string {
  const seen = new Set<string>()
  let base = ''
  for (const component of components) {
    const { name, parameters } = component
    const key = parameters === undefined ? name : componentKey(component)
    // Two lines with one name could have two values, and two readers could each take another one.
    if (seen.has(key)) throw refusal('component_repeated', { cause: { component: key } })
    seen.add(key)
    const identifier = parameters === undefined ? `"${name}"` : componentIdentifier(component)
    base += `${identifier}: ${resolveComponent(component, message, profile)}\n`
  }
  return `${base}"@signature-params": ${text}`
}

/**
 * The same base for components of a request without parameters, each named once. A page signs with it, so that it need not load
 * the parser of structured fields.
 * @throws HttpSigError `invalid_signature` for an unknown or missing component
 * @see RFC 9421 §2.5
 */
export function bareSignatureBase(names: readonly string[], parameters: string, context: RequestContext): string {
  const lines = names.map(name => `"${name}": ${bareValue(name, context)}\n`)
  return `${lines.join('')}"@signature-params": ${parameters}`
}
