import type { Requirement } from '../requirement.js'
import { built } from './clause.js'

/** Bots of Web Bot Auth beside AAuth: section 3.8. */
export const botClauses: readonly Requirement[] = [
  built(
    'bot.beside',
    '3.8',
    'A bot’s signature is judged only where a route opts in, on unsigned requests without bearer token; a failure refuses.',
  ),
  built('bot.facts', '3.8', 'A verified bot stays anonymous, and is named as a bot, never as an agent, user or key.'),
  built('bot.limits', '3.8', 'The limits of a bot are its own, not those of an agent with its name.'),
  built('bot.one', '3.8', 'A request with two signatures of bots is refused.'),
  built('bot.time', '3.8', 'A bot’s signature is good for the window of `created` at most, and not past `expires`.'),
  built('bot.parameters', '3.8', 'A bot’s `keyid` is the thumbprint of its key.'),
  built(
    'bot.agent',
    '3.8',
    'The one covered `Signature-Agent` is the identifier of the bot, or the URL of its directory.',
  ),
  built('bot.listed', '3.8', 'Nothing is fetched for a bot that the route does not list.'),
  built('bot.covered', '3.8', 'A bot’s signature covers the authority of the resource.'),
  built('bot.unsafe', '3.8', 'A bot’s request that may change something is covered whole, and has a nonce.'),
  built('bot.replay', '3.8', 'A bot’s request with a nonce passes once, whatever its method.'),
  built(
    'bot.directory',
    '3.8',
    'A key of a directory counts by its thumbprint, and only if the response is signed with it.',
  ),
  built(
    'bot.sent',
    '3.8',
    'An agent adds a bot’s signature where its operator lists the origin; the AAuth one stays selected.',
  ),
  built('bot.bound', '3.8', 'An agent’s signature as a bot covers the whole request, `signature-key` included.'),
  built('bot.published', '3.8', 'An agent server publishes the directory, each response signed with each of its keys.'),
  built('bot.own-keys', '3.8', 'The keys of a directory are others than those of `jwks_uri`.'),
]
