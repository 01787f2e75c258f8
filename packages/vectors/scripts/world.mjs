// Who takes part: keys, what participants publish, and how receivers are set up.
import { publicKey, signWith, testKeys, thumbprintOf } from './keys.mjs'

/** The clock of all vectors that name no other time. */
export const now = 1_800_000_000
export const agentId = 'https://agent.example'
export const calendarId = 'https://calendar.example'
export const authId = 'https://auth.example'
export const evilId = 'https://evil.example'

export const botId = 'https://bot.example'
export const botDirectoryUrl = `${botId}/.well-known/http-message-signatures-directory`

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
    revocation_endpoint: `${calendarId}/aauth/revoked-grants`,
  },
  [`${calendarId}/jwks`]: { keys: [published('calendar', 'calendar-1')] },
  [`${authId}/.well-known/aauth-issuer`]: {
    ...{ issuer: authId, jwks_uri: `${authId}/jwks`, agent_token_endpoint: `${authId}/agent/token` },
  },
  // An auth server that tells resources of ended grants signs as an agent.
  [`${authId}/.well-known/aauth-agent`]: { issuer: authId, agent: authId, jwks_uri: `${authId}/jwks` },
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

/** The keys of a bot: `alg` is a name of RFC 9421. */
export const botDirectory = { keys: [{ ...publicKey('crawler'), kid: thumbprintOf('crawler'), alg: 'ed25519' }] }

/** The response with a directory. A key that is in it signs for the authority at which it is fetched. */
export function proofOf(document, { key, created, expires, authority, tag = 'http-message-signatures-directory' }) {
  const times = `created=${created}${expires === undefined ? '' : `;expires=${expires}`}`
  const input = `("@authority";req);${times};keyid="${thumbprintOf('crawler')}";alg="ed25519";tag="${tag}"`
  const base = `"@authority";req: ${authority}\n"@signature-params": ${input}`
  return {
    status: 200,
    headers: [
      ['content-type', 'application/http-message-signatures-directory+json'],
      ['signature-input', `key=${input}`],
      ['signature', `key=:${signWith(key, Buffer.from(base)).toString('base64')}:`],
    ],
    body: { text: JSON.stringify(document) },
  }
}

const proof = { key: 'crawler', created: now - 30, expires: now + 86_400, authority: 'bot.example' }

/** What is fetched with its header lines, by URL. */
export const responses = { [botDirectoryUrl]: proofOf(botDirectory, proof) }

const calendar = {
  ...{ identifier: calendarId, authorities: ['calendar.example'], window: 60 },
  accept: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'],
  ...{ auth_servers: [authId], agents: 'any', additional_signature_components: [], own_agent: false },
}

/** What a request to an MCP server covers where it has it. */
const mcpComponents = ['mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id', 'last-event-id']

/** How a receiver is set up, by the name that vectors use. */
export const receivers = {
  calendar,
  'calendar-members': { ...calendar, agents: [agentId] },
  'calendar-two-names': { ...calendar, authorities: ['calendar.example', 'api.calendar.example'] },
  'calendar-demanding': { ...calendar, additional_signature_components: ['agent-interaction', '@target-uri'] },
  'calendar-bots': { ...calendar, bots: [botId] },
  'calendar-mcp': { ...calendar, additional_signature_components: mcpComponents },
  'calendar-patient': { ...calendar, window: 300 },
  'calendar-own-agent': { ...calendar, own_agent: true },
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
    responses,
    receivers,
  }
}
