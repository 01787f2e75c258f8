import type { PartyId } from '../../../src/explorer/contract.js'

/** Where everything stands on the map, in units of its view box. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** The middle of each party's box. */
  readonly places: Readonly<Partial<Record<PartyId, readonly [x: number, y: number]>>>
  /** Frames with their captions. */
  readonly domains: ReadonlyArray<{
    readonly frame: readonly [x: number, y: number, width: number, height: number]
    readonly name: string
  }>
}

export const wide: Layout = {
  width: 900,
  height: 430,
  places: {
    user: [125, 60],
    'auth-server': [430, 60],
    'rooms-auth-server': [770, 60],
    agent: [125, 212],
    calendar: [430, 212],
    rooms: [770, 212],
    'agent-server': [125, 364],
    tools: [335, 364],
    'address-book': [535, 364],
    'web-app': [770, 364],
  },
  domains: [
    { frame: [15, 8, 632, 414], name: 'one domain of trust' },
    { frame: [665, 8, 210, 270], name: 'another domain' },
  ],
}

/** For a phone. */
export const narrow: Layout = {
  width: 400,
  height: 600,
  places: {
    user: [105, 50],
    'auth-server': [295, 50],
    agent: [105, 165],
    calendar: [295, 165],
    'agent-server': [105, 280],
    tools: [295, 280],
    'rooms-auth-server': [105, 440],
    rooms: [295, 440],
    'web-app': [105, 545],
    'address-book': [295, 545],
  },
  domains: [
    { frame: [8, 8, 384, 344], name: 'one domain of trust' },
    { frame: [8, 395, 384, 100], name: 'another domain' },
  ],
}

/** Who usually talks to whom, drawn faintly at all times. */
export const paths: ReadonlyArray<readonly [PartyId, PartyId]> = [
  ['user', 'auth-server'],
  ['agent', 'user'],
  ['agent', 'agent-server'],
  ['agent', 'calendar'],
  ['agent', 'auth-server'],
  ['agent', 'tools'],
  ['calendar', 'auth-server'],
  ['calendar', 'rooms'],
  ['calendar', 'rooms-auth-server'],
  ['calendar', 'address-book'],
  ['rooms', 'rooms-auth-server'],
  ['tools', 'calendar'],
]
