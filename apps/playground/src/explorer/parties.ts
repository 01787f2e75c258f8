import { isSigned } from '@countersign/httpsig/internal'
import type { Addresses } from '../addresses.js'
import { thiefAgent } from '../beside/thief-agent.js'
import type { SentExchange } from '../senders.js'
import { storyBrowser } from '../story-user.js'
import type { Party, PartyId } from './contract.js'

/** The parties of the playground, from the user to the APIs. */
export function partiesAt(addresses: Addresses): Party[] {
  const at = (
    id: PartyId & keyof typeof names,
    url: string,
    { role, documents }: Pick<Party, 'role'> & { readonly documents: readonly string[] },
  ): Party => ({
    id,
    url,
    role,
    name: names[id][0],
    about: names[id][1],
    documents: documents.map(name => ({ name, url: `${url}/.well-known/${name}` })),
  })
  const resource = { role: 'resource', documents: ['aauth-resource'] } as const
  const authority = { role: 'auth server', documents: ['aauth-issuer'] } as const
  // Services that call others are agents, too.
  const service = { role: 'resource', documents: ['aauth-resource', 'aauth-agent'] } as const
  const people: Party[] = [
    {
      id: 'user',
      name: 'User',
      role: 'user',
      documents: [],
      about: 'A person with a browser, who signs in at an auth server and agrees, or does not.',
    },
    {
      id: 'agent',
      name: 'Agent',
      role: 'agent',
      documents: [],
      about: 'A program that calls APIs. Each of its instances is a delegate with a key of its own.',
    },
  ]
  const { agentServer, authServer, roomsAuthServer, calendar, rooms, desks, webApp, addressBook, tools } = addresses
  return [
    ...people,
    at('agent-server', agentServer, { role: 'agent server', documents: ['aauth-agent'] }),
    at('auth-server', authServer, authority),
    at('calendar', calendar, service),
    at('tools', tools, resource),
    at('rooms-auth-server', roomsAuthServer, authority),
    at('rooms', rooms, resource),
    at('desks', desks, resource),
    at('web-app', webApp, service),
    at('address-book', addressBook, { role: 'other', documents: ['openid-configuration'] }),
    {
      id: 'elsewhere',
      name: 'You',
      role: 'agent',
      documents: [],
      about: 'Your own browser or program, when it calls a participant.',
    },
  ]
}

const names = {
  'agent-server': [
    'Agent server',
    'An HTTPS origin that publishes who the agent is, and gives its delegates agent tokens.',
  ],
  'auth-server': [
    'Auth server',
    'It signs users in, asks them, and issues auth tokens that are bound to the key of the agent.',
  ],
  calendar: ['Calendar', 'An API with real public holidays. Each of its routes asks for another level.'],
  tools: ['Tools', 'An MCP server. Each of its tools has a requirement of its own.'],
  'rooms-auth-server': ['Auth server of rooms', 'It belongs to another domain. Users have other accounts there.'],
  rooms: ['Rooms', 'An API of another domain, which the calendar calls for its callers.'],
  desks: ['Desks', 'A second API of the domain of rooms. It runs only while a story needs it.'],
  'web-app': ['Web app', 'An agent that signs its users in, and an API for its delegates.'],
  'address-book': ['Address book', 'An API behind OAuth, which does not know AAuth.'],
} as const

/** The parties of the comparison with OAuth, which run only once it is played. */
export function oauthPartiesAt({ oauthServer, oauthCalendar, oauthRooms, impostor }: Addresses): Party[] {
  const at = (id: PartyId, name: string, url?: string): Party => ({
    id,
    name,
    role: 'other',
    about: '',
    documents: [],
    ...(url === undefined ? {} : { url }),
  })
  return [
    at('oauth-server', 'Authorization server', oauthServer),
    at('oauth-calendar', 'Calendar behind OAuth', oauthCalendar),
    at('oauth-rooms', 'Rooms behind OAuth', oauthRooms),
    at('impostor', 'Impostor', impostor),
    at('client', 'Client'),
    at('thief', 'Thief'),
  ]
}

/** The party at an identifier. */
export function partyAt(url: string, addresses: Addresses): PartyId {
  const found = [...partiesAt(addresses), ...oauthPartiesAt(addresses)].find(party => party.url === url)
  return found?.id ?? 'elsewhere'
}

/** Whether a message belongs to the OAuth world of the comparison. */
export function isOAuth(
  { to, request }: SentExchange,
  { oauthServer, oauthCalendar, oauthRooms, impostor }: Addresses,
): boolean {
  if (to === oauthServer || to === oauthCalendar || to === oauthRooms) return true
  return to === impostor && !/^\/aauth\/|^\/\.well-known\/aauth-|^\/jwks$/.test(request.target)
}

/** The party whose process sent a message, and the name of a scripted user. */
export function senderOf(
  exchange: SentExchange,
  addresses: Addresses,
): { readonly from: PartyId; readonly person?: string } {
  const { from, request } = exchange
  if (from !== 'page') return { from: from as PartyId }
  const browser = request.headers.find(([name]) => name.toLowerCase() === 'user-agent')?.[1] ?? ''
  if (browser === thiefAgent) return { from: 'thief' }
  if (
    !browser.startsWith(storyBrowser) ||
    isSigned({ method: request.method, target: request.target, headers: request.headers })
  )
    return { from: isOAuth(exchange, addresses) ? 'client' : 'agent' }
  return { from: 'user', person: browser.slice(storyBrowser.length + 2, -1) }
}
