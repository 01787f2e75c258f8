import { type Conditions, parseConditions } from '@countersign/conditions'
import { AAuthError, isIdentifier } from '@countersign/protocol'
import { checkOptions } from '@countersign/protocol/internal'

/**
 * What a delegate may be used for, and where.
 * @see protocol §9
 */
export interface Delegation {
  /** Conditions that must all hold. They are in each agent token of the delegate, as `delegation`. */
  readonly conditions: Conditions
  /**
   * Identifiers of the resources and auth servers that may get its agent tokens, at most 32: `aud` of the tokens. List only those that
   * enforce protocol §9: others would ignore the conditions.
   */
  readonly receivers: readonly string[]
}

/** What every delegation of one agent server must keep to. */
export interface DelegationLimits {
  readonly development: boolean
  /** The only receivers of this agent server's tokens; undefined: all. */
  readonly audience?: readonly string[] | undefined
}

const mostReceivers = 32

/**
 * Checks a delegation and returns a frozen copy.
 * @throws TypeError that says what is wrong
 */
export function checkDelegation(value: Delegation, { development, audience }: DelegationLimits): Delegation {
  checkOptions('delegation', value, { conditions: 'array', receivers: 'strings' }, ['conditions', 'receivers'])
  const receivers = [...new Set(value.receivers)]
  if (receivers.length === 0 || receivers.length > mostReceivers)
    throw new TypeError('delegation.receivers must list 1 to 32 resources and auth servers')
  for (const receiver of receivers) {
    if (!isIdentifier(receiver, { development }))
      throw new TypeError('delegation.receivers must hold identifiers such as https://mail.example')
    if (audience !== undefined && !audience.includes(receiver))
      throw new TypeError('delegation.receivers must be among those of the option audience')
  }
  const conditions = readConditions(value.conditions, development)
  // Nothing names a grant at an agent server, so such a count would never begin (DEL-39).
  if (conditions.some(({ type, ...rest }) => type === 'calls' && 'per' in rest && rest.per === 'grant'))
    throw new TypeError('delegation: calls per grant belong to a grant of a user, not to a delegate')
  return Object.freeze({ conditions, receivers: Object.freeze(receivers) })
}

function readConditions(value: unknown, development: boolean): Conditions {
  try {
    return parseConditions(value, { development })
  } catch (error) {
    throw error instanceof AAuthError ? new TypeError(`delegation: ${error.description}`) : error
  }
}

/** The delegation as its column holds it. */
export function delegationText(delegation: Delegation | undefined): string | null {
  return delegation === undefined ? null : JSON.stringify(delegation)
}

/** Reads the column. It holds what {@link checkDelegation} returned. */
export function delegationOf(text: string | null): Delegation | undefined {
  return text === null ? undefined : (JSON.parse(text) as Delegation)
}
