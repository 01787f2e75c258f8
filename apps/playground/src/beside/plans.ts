import type { ColumnPlan } from './column.js'
import type { Dimension, DimensionName } from './contract.js'
import { chains } from './dimensions/chains.js'
import { clientAuthentication } from './dimensions/client-authentication.js'
import { consent } from './dimensions/consent.js'
import { discovery } from './dimensions/discovery.js'
import { registration } from './dimensions/registration.js'
import { replay } from './dimensions/replay.js'
import { revocation } from './dimensions/revocation.js'
import { scopes } from './dimensions/scopes.js'
import { tokens } from './dimensions/tokens.js'

interface Plan {
  readonly title: string
  readonly about: string
  readonly fair: string
  readonly held: string
  readonly broken: string
  /** Where nothing is attacked. Default: `Played`. */
  readonly told?: string
  readonly columns: readonly ColumnPlan[]
}

/** How each dimension is played, in the order of the table in docs/aauth-for-oauth-people.md. */
export const plans: Readonly<Record<DimensionName, Plan>> = {
  registration: {
    title: 'Registration',
    about: 'A web app that the server has never heard of wants to sign a user in.',
    fair: 'With dynamic registration OAuth needs no operator for each client, either, and with client id metadata documents (a draft) a client id is a URL as well. Both servers may still list the clients that they accept.',
    held: 'Signed in',
    broken: 'Not signed in',
    told: 'The user is signed in',
    columns: registration,
  },
  'client-authentication': {
    title: 'Client authentication',
    about: 'A thief has read what the other side keeps about a client, and wants to act as that client.',
    fair: 'With private_key_jwt or mutual TLS OAuth does as well: then the server, too, has public keys only. A public client has no secret, and no way to prove who it is. This server keeps client secrets as they are; others keep hashes, and then a thief finds the value at the client or in a token request. Whoever steals the private key is the client, in both worlds.',
    held: 'Refused',
    broken: 'The thief is the client',
    columns: clientAuthentication,
  },
  tokens: {
    title: 'Tokens and binding',
    about: 'A client reads the appointments of its user. A thief gets hold of the access token, without any key.',
    fair: 'With DPoP or mutual TLS OAuth does as well. In AAuth there is no token without a key, so nothing has to be turned on. A thief who has the key, too, is the client in both worlds.',
    held: 'Refused',
    broken: 'The stolen token works',
    columns: tokens,
  },
  discovery: {
    title: 'Discovery',
    about:
      'A program that knows nothing but the URL of an API finds the server behind it. Then it meets metadata that claim the name of another server.',
    fair: 'Both find the server from the challenge, and both refuse the false name. With OAuth the client still has to be known to the server that it has found.',
    held: 'False name refused',
    broken: 'False name believed',
    columns: discovery,
  },
  consent: {
    title: 'Consent, and who asks',
    about:
      'An API says that it needs access to the user’s appointments. What it wants is a token that opens the calendar: a confused deputy through a swapped resource.',
    fair: 'With resource indicators, or with tokens that have an audience in any other way, OAuth does as well. A client has to send “resource” (MCP requires it); in AAuth the resource signs what it asks for, and an agent cannot leave it out.',
    held: 'Refused',
    broken: 'The swap works',
    columns: consent,
  },
  scopes: {
    title: 'Scopes and levels',
    about: 'Three calls: one for anyone, one for known callers, one for what a user allowed.',
    fair: 'Step-up (insufficient_scope, RFC 9470) takes an OAuth client from the second to the third as well. An API key for the second would also do, and would be one more secret.',
    held: 'Answered',
    broken: 'Not answered',
    told: 'All three are answered',
    columns: scopes,
  },
  chains: {
    title: 'Delegation chains',
    about: 'Two hops: a client adds an event to the calendar, and the calendar books a room for it. Whom do rooms see?',
    fair: 'Token exchange shows the chain as well, within one domain and by rules that the deployment makes up. Across domains there is a draft for OAuth (identity and authorization chaining).',
    held: 'Rooms see the chain',
    broken: 'Rooms do not see who calls',
    columns: chains,
  },
  revocation: {
    title: 'Revocation',
    about: 'Access is taken back. Does the token still work a moment later?',
    fair: 'With introspection OAuth does as well, at the price of a message for each call. In AAuth a resource that has no revocation endpoint goes on until the token expires, too.',
    held: 'Refused at once',
    broken: 'Goes on working',
    columns: revocation,
  },
  replay: {
    title: 'Replay and theft',
    about:
      'Someone between the caller and the API has a whole request, from a log or a proxy: sends it again, and holds one back to change its body.',
    fair: 'TLS keeps others from the wire in both worlds; this is about what ends TLS: proxies, gateways, logs. HTTP Message Signatures can be added to OAuth, too. A DPoP proof passes once only where the API remembers it, as this one does.',
    held: 'Both refused',
    broken: 'The thief gets through',
    columns: replay,
  },
}

export const dimensionNames: readonly DimensionName[] = Object.keys(plans) as DimensionName[]

/** The dimensions, as the page shows them. */
export const dimensions: readonly Dimension[] = dimensionNames.map(name => {
  const { title, about, fair, held, broken, told = 'Played', columns } = plans[name]
  const labels = { held, broken, told }
  return {
    name,
    title,
    about,
    fair,
    labels,
    columns: columns.map(({ world, title: what }) => ({ world, title: what })),
  }
})
