// Who takes part: keys, what participants publish, and how receivers are set up.
import { publicKey, testKeys } from './keys.mjs'

/** The clock of all vectors that name no other time. */
export const now = 1_800_000_000
export const agentId = 'https://agent.example'
export const calendarId = 'https://calendar.example'
export const authId = 'https://auth.example'
export const evilId = 'https://evil.example'

const published = (name, kid) => ({ ...publicKey(name), kid })

const evil = [published('evil', 'evil-1')]

/** By URL. */
export const documents = {
  [`${agentId}/.well-known/aauth-agent`]: {
    ...{ issuer: agentId, agent: agentId, jwks_uri: `${agentId}/jwks` },
    redirect_uris: [`${agentId}/callback`],
    delegate_token_endpoint: `${agentId}/delegate/token`,
  },
  [`${agentId}/jwks`]: {
    keys: [published('agent', 'agent-1'), published('p256', 'agent-p256'), published('p384', 'agent-p384')],
  },
  [`${calendarId}/.well-known/aauth-resource`]: {
    ...{ issuer: calendarId, resource: calendarId, jwks_uri: `${calendarId}/jwks` },
    auth_servers: [authId],
    supported_scopes: ['events.read', 'events.write'],
  },
  [`${calendarId}/jwks`]: { keys: [published('calendar', 'calendar-1')] },
  [`${authId}/.well-known/aauth-issuer`]: {
    ...{ issuer: authId, jwks_uri: `${authId}/jwks`, agent_token_endpoint: `${authId}/agent/token` },
  },
  [`${authId}/jwks`]: { keys: [published('auth', 'auth-1'), published('p256', 'auth-p256')] },
  // Documents as good as any: what its keys sign is refused because nobody trusts it, and for no other reason.
  [`${evilId}/.well-known/aauth-agent`]: { issuer: evilId, agent: evilId, jwks_uri: `${evilId}/jwks` },
  [`${evilId}/.well-known/aauth-resource`]: {
    ...{ issuer: evilId, resource: evilId, jwks_uri: `${evilId}/jwks`, auth_servers: [authId] },
  },
  [`${evilId}/.well-known/aauth-issuer`]: {
    ...{ issuer: evilId, jwks_uri: `${evilId}/jwks`, agent_token_endpoint: `${evilId}/agent/token` },
  },
  [`${evilId}/jwks`]: { keys: evil },
}

const calendar = {
  ...{ identifier: calendarId, authorities: ['calendar.example'], window: 60 },
  accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
  ...{ auth_servers: [authId], agents: 'any', additional_signature_components: [] },
}

/** How a receiver is set up, by the name that vectors use. */
export const receivers = {
  calendar,
  'calendar-members': { ...calendar, agents: [agentId] },
  'calendar-two-names': { ...calendar, authorities: ['calendar.example', 'api.calendar.example'] },
  'calendar-demanding': { ...calendar, additional_signature_components: ['agent-interaction', '@target-uri'] },
  'calendar-patient': { ...calendar, window: 300 },
  auth: {
    ...{ ...calendar, identifier: authId, authorities: ['auth.example'], auth_servers: [] },
    accept: ['jwks_uri', 'agent+jwt'],
  },
}

/** world.json. */
export function world() {
  return {
    $schema: '../schema/world.schema.json',
    warning: 'Published test keys: never use one for anything else, anyone can sign with them.',
    time: now,
    keys: testKeys,
    documents,
    receivers,
  }
}
