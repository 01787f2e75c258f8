import { type Item, isInnerList, readDictionary } from '../shared/strict-field.js'
import { GaveUp } from './settings.js'

/** What a resource asks for. @see protocol §4 */
export type Challenge =
  | { readonly asks: 'signature' }
  | { readonly asks: 'identity' }
  | { readonly asks: 'auth-token'; readonly resourceToken: string; readonly authServer: string }
  | { readonly asks: 'user'; readonly page: string }

const flags = ['identity', 'auth-token']
const texts = ['resource_token', 'auth_server', 'user_interaction', 'algs']

/** Reads the lines of `Agent-Auth`. @throws GaveUp where they are no challenge */
export function readChallenge(lines: readonly string[]): Challenge {
  if (lines.length > 1) throw new GaveUp('Agent-Auth stands on two lines')
  const { bare, parameters } = readItem(lines[0] ?? '')
  if (bare.kind !== 'token' || bare.value !== 'httpsig') throw new GaveUp('Agent-Auth asks for something else')
  checkParameters(parameters)
  const text = (name: string): string | undefined => {
    const found = parameters.get(name)
    return found === undefined ? undefined : String(found.value)
  }
  const page = text('user_interaction')
  if (page !== undefined) return { asks: 'user', page }
  const [resourceToken, authServer] = [text('resource_token'), text('auth_server')]
  if (resourceToken !== undefined && authServer !== undefined) return { asks: 'auth-token', resourceToken, authServer }
  return { asks: parameters.get('identity')?.value === true ? 'identity' : 'signature' }
}

/** @throws GaveUp where a parameter is of another type, or says nothing */
function checkParameters(parameters: Item['parameters']): void {
  for (const [name, { kind, value }] of parameters) {
    if (flags.includes(name) && kind !== 'boolean') throw new GaveUp(`${name} of Agent-Auth is no Boolean`)
    if (texts.includes(name) && (kind !== 'string' || value === ''))
      throw new GaveUp(`${name} of Agent-Auth is no text`)
  }
  const isWhole = ['resource_token', 'auth_server'].map(name => parameters.has(name))
  const isAsked = parameters.get('auth-token')?.value === true
  if (isWhole.some(has => has !== isAsked)) throw new GaveUp('auth-token of Agent-Auth stands alone, or is missing')
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
