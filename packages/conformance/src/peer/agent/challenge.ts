import { type Item, isInnerList, readDictionary } from '../shared/strict-field.js'
import { GaveUp } from './settings.js'

/** What a resource asks for. @see protocol §4 */
export type Challenge =
  | { readonly asks: 'signature' }
  | { readonly asks: 'identity' }
  | { readonly asks: 'auth-token'; readonly resourceToken: string; readonly authServer: string }
  | { readonly asks: 'user'; readonly page: string }

/** Reads `Agent-Auth`. @throws GaveUp where it is no challenge */
export function readChallenge(value: string): Challenge {
  const { bare, parameters } = readItem(value)
  if (bare.kind !== 'token' || bare.value !== 'httpsig') throw new GaveUp('Agent-Auth asks for something else')
  const text = (name: string): string | undefined => {
    const found = parameters.get(name)
    return found?.kind === 'string' ? String(found.value) : undefined
  }
  const page = text('user_interaction')
  if (page !== undefined) return { asks: 'user', page }
  if (parameters.get('auth-token')?.value === true) {
    const [resourceToken, authServer] = [text('resource_token'), text('auth_server')]
    if (resourceToken === undefined || authServer === undefined) throw new GaveUp('Agent-Auth has no resource_token')
    return { asks: 'auth-token', resourceToken, authServer }
  }
  return { asks: parameters.get('identity')?.value === true ? 'identity' : 'signature' }
}

/** An Item is a member of a Dictionary without its label. */
function readItem(value: string): Item {
  if (value.length > 16 * 1024) throw new GaveUp('Agent-Auth is too long')
  try {
    const members = readDictionary(`a=${value.trim()}`)
    const [member] = members.values()
    if (members.size !== 1 || member === undefined || isInnerList(member)) throw new SyntaxError('it is no Item')
    return member
  } catch {
    throw new GaveUp('Agent-Auth cannot be read')
  }
}
