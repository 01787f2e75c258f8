// The recipes that vectors of several kinds begin with.
import { publicKey } from './keys.mjs'
import { agentId, authId, calendarId, now } from './world.mjs'

export const always = ['"@method"', '"@authority"', '"@path"']
export const parameters = `created=${now};nonce="0lqVCBHLx54BKhxFCU2JpA"`

/** A GET by an inline key. */
export const inlineGet = {
  ...{ key: 'pseudonym', method: 'GET', target: '/holidays?year=2027', authority: 'calendar.example' },
  headers: [['host', 'calendar.example']],
  signature_key: { scheme: 'hwk', key: 'pseudonym' },
  components: [...always, '"@query"', '"signature-key"'],
  parameters,
}

/** A POST of JSON by an inline key. */
export const inlinePost = {
  ...{ ...inlineGet, method: 'POST', target: '/notes' },
  headers: [
    ['host', 'calendar.example'],
    ['content-type', 'application/json'],
  ],
  body: { text: '{"text":"Chess at eight"}' },
  components: [...always, '"content-type"', '"content-digest"', '"signature-key"'],
}

/** A GET by a published key of the agent. */
export const publishedGet = {
  ...{ ...inlineGet, target: '/events', components: [...always, '"signature-key"'], key: 'agent' },
  signature_key: { text: `jwks_uri;id="${agentId}";kid="agent-1";dwk="aauth-agent"` },
}

/** An agent token of the delegate `phone`. */
export const agentToken = {
  header: { typ: 'agent+jwt', alg: 'Ed25519', kid: 'agent-1' },
  claims: {
    ...{ iss: agentId, sub: 'phone', cnf: { jwk: publicKey('phone') } },
    ...{ iat: now - 60, exp: now + 3540, jti: '0d6f4c1e' },
  },
  key: 'agent',
}

/** An auth token of a user, for that delegate. */
export const authToken = {
  header: { typ: 'auth+jwt', alg: 'Ed25519', kid: 'auth-1' },
  claims: {
    ...{ iss: authId, aud: calendarId, agent: agentId, agent_delegate: 'phone', cnf: { jwk: publicKey('phone') } },
    ...{ sub: 'u-7c1d', scope: 'events.read', iat: now - 60, exp: now + 540, jti: '5b0e9a77', grant: 'g-41' },
  },
  key: 'auth',
}

/** A GET under a token, signed by the key of the delegate. */
export const tokenGet = token => ({ ...publishedGet, key: 'phone', signature_key: { scheme: 'jwt', token } })
