import { isIdentifier } from '@countersign/protocol'
import { refusal } from '@countersign/protocol/internal'
import type { Delegation } from '../delegation/delegation.js'

const mostNames = 32

/**
 * Reads the `aud` of a renewal: the receivers that the delegate wants a token for. Best one a token: each receiver sees the others.
 * @returns undefined when the delegate names none
 * @throws AAuthError `invalid_request` for what is no identifier, or no list of 1 to 32
 * @see protocol §9
 */
export function parseAudience(value: unknown, o: { readonly development: boolean }): readonly string[] | undefined {
  if (value === undefined) return undefined
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  // Counted before they are read: a body has room for thousands.
  const known = names.length > mostNames ? [] : names.filter((name): name is string => isIdentifier(name, o))
  if (known.length > 0 && known.length === names.length) return known
  throw refusal('audience_not_allowed', { about: 'aud must be an identifier, or 1 to 32 of them' })
}

/**
 * Returns the `aud` of a token: what the delegate names of the receivers that the operator allows, or all of those; and the agent
 * server itself, so that the token renews itself. Undefined: every receiver.
 * @throws AAuthError `invalid_request` for a receiver that the operator does not allow
 */
export function audienceOf(
  issuer: { readonly id: string; readonly audience?: readonly string[] | undefined },
  delegation: Delegation | undefined,
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  const allowed = delegation?.receivers ?? issuer.audience
  const isAllowed = (name: string): boolean => allowed === undefined || name === issuer.id || allowed.includes(name)
  if (wanted?.every(isAllowed) === false) throw refusal('audience_not_allowed')
  const audience = wanted ?? allowed
  return audience === undefined ? undefined : [...new Set([...audience, issuer.id])]
}
