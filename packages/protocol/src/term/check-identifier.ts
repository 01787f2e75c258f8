import { type IdentifierOptions, isIdentifier } from './identifier.js'

/**
 * Checks an identifier in options or configuration, and says what to write instead.
 * @param what the name of the option, for the message
 * @throws TypeError when `value` is not an identifier
 * @see protocol §2
 */
// unchecked options options: its one member allows more, so a slip of it allows less; called for each name
export function checkIdentifier(
  what: string,
  value: unknown,
  options: IdentifierOptions = {},
): asserts value is string {
  if (isIdentifier(value, options)) return
  const fix = typeof value === 'string' ? fixOf(value, options) : undefined
  throw new TypeError(
    `${what} must be an identifier such as https://host.example${fix === undefined ? '' : `: ${fix}`}`,
  )
}

/** How to correct the value; undefined when that would be a guess. It repeats only the origin of the value. */
function fixOf(value: string, { development = false }: IdentifierOptions): string | undefined {
  const hasScheme = value.includes('://')
  const text = hasScheme ? value : `https://${value}`
  if (!URL.canParse(text)) return undefined
  const { origin, protocol, host } = new URL(text)
  if (protocol === 'http:' && !isIdentifier(origin, { development: true }))
    return isIdentifier(`https://${host}`) ? `write https: https://${host}` : undefined
  if (!isIdentifier(origin, { development: true })) return undefined
  const reason = protocol === 'http:' ? 'http://' : 'an IP address'
  const needs = isIdentifier(origin, { development }) ? [] : [`${reason} needs development: true`]
  return [...spelling(value, origin, hasScheme), ...needs].join('; ')
}

function spelling(value: string, origin: string, hasScheme: boolean): string[] {
  if (value === origin) return []
  if (!hasScheme) return [`write the scheme, too: ${origin}`]
  if (value === `${origin}/`) return [`leave out the slash at the end: ${origin}`]
  if (value.toLowerCase() === origin) return [`write it in lower case: ${origin}`]
  return [`write the origin alone: ${origin}`]
}
