import { type IdentifierOptions, isIdentifier } from '../term/identifier.js'

/** The `tag` of a signature by which a bot names itself. @see protocol §3.8 */
export const botTag = 'web-bot-auth'

/** The header that says where the keys of a bot are. */
export const botHeader = 'signature-agent'

/** Where a bot publishes its keys, in its origin. */
export const botDirectoryPath = '/.well-known/http-message-signatures-directory'

/** The media type of such a directory. */
export const botDirectoryType = 'application/http-message-signatures-directory+json'

/** The `tag` of the signatures by which a directory proves that its host holds the keys in it. */
export const botDirectoryTag = 'http-message-signatures-directory'

/**
 * The bot that a `Signature-Agent` names: the origin of its directory. Two spellings are read: that origin, as most bots send it, and the
 * URL of the directory, as later drafts have it. A URL at any other path names no bot: a host with many users lets each publish keys there.
 * @returns undefined for any other value
 */
// unchecked options options: its one member allows more, so a slip of it allows less; called for each name
export function botNamed(value: unknown, options: IdentifierOptions): string | undefined {
  if (typeof value !== 'string') return undefined
  const origin = value.endsWith(botDirectoryPath) ? value.slice(0, -botDirectoryPath.length) : value
  return isIdentifier(origin, options) ? origin : undefined
}
