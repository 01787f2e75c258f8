import type { Story } from './explorer/contract.js'
import { type ScenarioName, scenarioNames, scenarioTitle } from './play.js'

/** What a reader learns from each story, and about how long it takes. */
const more: Readonly<Record<ScenarioName, readonly [seconds: number, about: string]>> = {
  climb: [2, 'Each route of the calendar asks for one level more. The agent climbs exactly as far as it is asked to.'],
  'rate-limit': [
    1,
    'Anonymous callers share a small limit. A signature, under a key that nobody registered, has a limit of its own.',
  ],
  identity: [
    1,
    'An agent is an HTTPS origin with published keys. The calendar reads them and knows who called, without any registration.',
  ],
  delegate: [
    1,
    'One agent, many instances. Each enrols once and gets a short-lived agent token for a key that never leaves it.',
  ],
  autonomous: [
    2,
    'The calendar signs what it needs, the auth server grants it by policy, and no user has to be there.',
  ],
  'user-consent': [
    3,
    'The agent takes the user to the auth server, who agrees once. Another user refuses, and nothing happens in her name.',
  ],
  device: [7, 'The agent has no browser. The user types a short code on a phone.'],
  sso: [3, 'A web app signs users in through the auth server, with no client id and no secret.'],
  'multi-hop': [
    4,
    'The calendar calls rooms in another domain. Rooms see the whole chain, and the user agrees to that, too.',
  ],
  'oauth-downstream': [2, 'Behind the calendar stands an API that knows only OAuth. The user connects it once.'],
  mcp: [
    5,
    'The tools of an MCP server, each with its own requirement. Questions to the user go through the MCP client.',
  ],
  revocation: [11, 'A user takes access back. Every resource that saw the token is told, and refuses within a second.'],
  delegation: [4, 'Operator, user and agent each narrow what a delegate may do. No one can widen it again.'],
  approval: [4, 'Each payment needs the yes of its user, who sees exactly what will be paid. A yes counts once.'],
  refresh: [24, 'Tokens end after seconds here. The agent refreshes, restarts, and goes on, also under a new key.'],
  rotation: [3, 'Keys are replaced and names stay, so grants stay, too.'],
}

/** The stories in the order that tells AAuth. */
export const stories: readonly Story[] = scenarioNames.map(name => {
  const [seconds, about] = more[name]
  return { name, title: scenarioTitle(name), about, seconds }
})
