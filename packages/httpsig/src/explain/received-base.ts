import { componentIdentifier } from '../component/component-identifier.js'
import type { ReceivedMessage } from '../message/received-message.js'
import { pathOf, queryOf } from '../message/target-parts.js'
import { readHeaders } from './headers.js'
import { baseOf, type Reading, valueIn } from './reading.js'

/** One covered component as received. */
export interface ReceivedComponent {
  /** As in Signature-Input: `@path`, `"x-list";sf`. */
  readonly name: string
  /** The name of the field or derived component, without quotes and parameters. */
  readonly field: string
  /** Undefined when the request does not have the component. */
  readonly value?: string | undefined
}

/** What a signature covers, as received: nothing is shortened. */
export interface ReceivedBase {
  readonly label: string
  readonly components: readonly ReceivedComponent[]
  /** Parameters in their strict serialisation, by key, in the order of Signature-Input. */
  readonly parameters: ReadonlyArray<readonly [key: string, value: string]>
  /** The value of `@signature-params`. */
  readonly text: string
  /** The whole signature base; undefined when a covered component is not in the request. */
  readonly base?: string | undefined
}

/**
 * The signature base of a request as received, read as leniently as for an explanation: it is there although the request may be refused.
 * @param authority that of the receiver
 * @returns undefined when Signature-Input cannot be read
 */
export function receivedBase(
  message: ReceivedMessage,
  authority: string,
  scheme: 'https' | 'http',
): ReceivedBase | undefined {
  const { input } = readHeaders(message)
  if (input === undefined) return undefined
  const { method, target } = message
  const reading: Omit<Reading, 'key'> = {
    method,
    scheme,
    authority,
    path: pathOf(target),
    query: queryOf(target),
    fields: {},
    parameters: input.text,
    spelling: 'standard',
    signature: new Uint8Array(),
  }
  const components = input.components.map((component): ReceivedComponent => {
    const value = valueIn(component, reading, message)
    const { name: field } = component
    return { name: componentIdentifier(component), field, value }
  })
  const base = baseOf(input.components, reading, message)
  return {
    label: input.label,
    components,
    parameters: [...input.raw],
    text: input.text,
    base,
  }
}
