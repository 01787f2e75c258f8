import type { PartyId } from '../../../src/explorer/contract.js'

/** Names that fit the head of a lane on a phone. */
export const laneNames: Readonly<Record<PartyId, string>> = {
  user: 'User',
  agent: 'Agent',
  'agent-server': 'Agent server',
  'auth-server': 'Auth server',
  'rooms-auth-server': 'Rooms’ auth server',
  calendar: 'Calendar',
  rooms: 'Rooms',
  desks: 'Desks',
  'web-app': 'Web app',
  'address-book': 'Address book',
  tools: 'Tools',
  elsewhere: 'You',
  client: 'Client',
  thief: 'Thief',
  'oauth-server': 'OAuth server',
  'oauth-calendar': 'OAuth calendar',
  'oauth-rooms': 'OAuth rooms',
  impostor: 'Impostor',
}
