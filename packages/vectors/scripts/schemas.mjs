// JSON Schemas (2020-12) of the files, each complete in itself.
const dialect = 'https://json-schema.org/draft/2020-12/schema'
const text = { type: 'string' }
const texts = { type: 'array', items: text }
const named = { type: 'string', minLength: 1 }
const integer = { type: 'integer' }
const closed = (properties, required = Object.keys(properties)) => ({
  ...{ type: 'object', properties, required, additionalProperties: false },
})

const headers = { type: 'array', items: { type: 'array', prefixItems: [named, text], items: false, minItems: 2 } }
const body = { oneOf: [closed({ text }), closed({ base64: text })] }

/** A request as it is received. */
export const request = closed({ method: named, target: named, headers, body }, ['method', 'target', 'headers'])

const patch = {
  oneOf: [
    closed({ op: { enum: ['add', 'replace'] }, path: { type: 'string', pattern: '^/' }, value: true }),
    closed({ op: { const: 'remove' }, path: { type: 'string', pattern: '^/' } }),
  ],
}

const places = [
  ...['target', 'authority', 'signature-headers', 'signature-key', 'time', 'coverage', 'component', 'digest'],
  ...['credential', 'discovery', 'key', 'token', 'signature', 'agents', 'form', 'challenge', 'identifier', 'metadata'],
  ...['jwks', 'conditions', 'operation', 'scope', 'bot', 'mcp'],
]

const refused = closed({
  result: { const: 'refuse' },
  reason: { type: 'string', pattern: '^[a-z][a-z0-9_]+$' },
  code: { type: 'string', pattern: '^[a-z_]+$' },
  status: { type: 'integer', minimum: 400, maximum: 503 },
  where: { enum: places },
})

/** How an answer is dropped: an agent tells nobody, so there is no code. `member` is the header, member or claim at fault. */
const dropped = closed({ result: { const: 'refuse' }, member: named })

/** The schema of a file of vectors. `input` and `facts` are those of its kind; `fault` is how it refuses. */
export function vectorsSchema(kind, { title, input, facts, fault = refused }) {
  const shared = {
    ...{ id: named, title: { type: 'string', minLength: 10 }, clauses: { ...texts, minItems: 1, uniqueItems: true } },
    words: { type: 'object', additionalProperties: named },
    ...{ at: integer, receiver: named, input },
  }
  const accepted = closed(
    { ...shared, made: { type: 'object' }, expect: closed({ result: { const: 'accept' }, ...facts }, ['result']) },
    ['id', 'title', 'clauses', 'input', 'expect'],
  )
  const negative = closed({ ...shared, of: named, change: named, patch, expect: fault }, [
    ...['id', 'title', 'clauses', 'input', 'of', 'change', 'patch', 'expect'],
  ])
  const vectors = { type: 'array', minItems: 1, items: { oneOf: [accepted, negative] } }
  return { $schema: dialect, title, ...closed({ $schema: named, kind: { const: kind }, vectors }) }
}

const jwk = { ...closed({ kty: text, alg: text, d: text }), additionalProperties: text }
const receiverMembers = {
  ...{ identifier: named, authorities: texts, window: integer },
  accept: { type: 'array', items: { enum: ['hwk', 'jwks_uri', 'agent+jwt', 'auth+jwt'] } },
  ...{ auth_servers: texts, agents: { oneOf: [texts, { const: 'any' }] }, additional_signature_components: texts },
  own_agent: { type: 'boolean' },
}
const receiver = closed({ ...receiverMembers, bots: texts }, Object.keys(receiverMembers))
const response = closed({ status: integer, headers, body })

/** The schema of world.json. */
export const worldSchema = {
  ...{ $schema: dialect, title: 'Who takes part: keys, what participants publish, and how receivers are set up' },
  ...closed({
    ...{ $schema: named, warning: named, time: integer },
    keys: { type: 'object', additionalProperties: jwk },
    documents: { type: 'object', additionalProperties: { type: 'object' } },
    responses: { type: 'object', additionalProperties: response },
    receivers: { type: 'object', additionalProperties: receiver },
  }),
}

const caller = {
  ...{ level: { enum: ['anonymous', 'pseudonymous', 'identified', 'authorized'] }, thumbprint: named },
  ...{ agent: named, delegate: named, issuer: named, user: closed({ iss: named, sub: named }), scope: texts },
  base: text,
}

const token = closed({ token: text, audience: named })
const { level: _level, base: _base, ...tokenFacts } = { ...caller, resource: named }

const list = { type: 'array', items: { type: 'object' } }
const claims = { enum: ['delegation', 'constraints'] }
const judged = closed(
  { list, now: { type: 'number' }, resource: named, scope: texts, purposes: texts, levels: integer, services: texts },
  ['list', 'now', 'resource', 'scope', 'levels', 'services'],
)
const rules = { type: 'array', items: { type: 'array', items: { type: 'object' } } }

const line = closed({ line: text })
const boolean = { type: 'boolean' }
const challenge = {
  identity: boolean,
  auth_token: boolean,
  resource_token: text,
  auth_server: text,
  user_interaction: text,
}

const asked = closed(
  {
    ...{ request_type: named, auth_server: named, resource: named, agent: named, delegate: named, jkt: named },
    ...{ scope: texts, purposes: text, operation_digest: named },
  },
  ['request_type', 'auth_server', 'resource', 'agent', 'jkt', 'scope'],
)
const levelNames = caller.level
const next = names => ({ enum: names })

/** Title, input and facts of each kind. */
export const schemas = {
  'bot-directories': {
    ...{ title: 'Directories of the keys of bots, as they are fetched', facts: { thumbprint: named } },
    input: closed({ bot: named, keyid: named, response }),
  },
  'bot-requests': {
    ...{ title: 'Requests that bots have signed, at a route that takes them', input: request },
    facts: { bot: named, keyid: named, once: boolean, base: text },
  },
  'mcp-requests': {
    ...{ title: 'Messages to an MCP server: what headers and body say', input: request },
    facts: { method: named, name: text },
  },
  refusals: {
    title: 'Answers that refuse a request, and what the agent does then',
    input: closed({ level: levelNames, safe: boolean, answer: response }),
    facts: {
      ...{ error: named, reason: named, retry_after: integer, cover: texts },
      challenge: closed({ ...challenge, algs: texts }, []),
      do: next([
        ...['sign', 'identify', 'authorize', 'interact', 'cover', 'wait', 'stop', 'outcome-unknown', 'carried-out'],
      ]),
    },
    fault: dropped,
  },
  'revocation-notices': {
    ...{ title: 'Notices of ended grants, at a resource', input: request },
    facts: { issuer: named, grant: named, exp: integer, base: text },
  },
  'token-answers': {
    title: 'Answers of a token endpoint, and what the agent asked for',
    input: closed({ asked, answer: closed({ status: integer, json: { type: 'object' } }) }),
    facts: {
      ...{ scope: texts, expires: integer, user: caller.user, refresh_token: boolean },
      ...{ request_token: named, device_code: named, user_code: named, verification_uri: named },
      ...{ expires_in: integer, interval: integer },
      do: next(['use', 'send-user', 'show-code', 'wait', 'wait-longer', 'expired', 'denied']),
    },
    fault: dropped,
  },
  challenges: { title: 'Values of Agent-Auth', input: line, facts: { ...challenge, algs: texts } },
  'content-digests': { title: 'Values of Content-Digest, with a body', input: closed({ line: text, body }), facts: {} },
  forms: {
    ...{ title: 'Bodies at token endpoints', input: closed({ body, content_type: text }) },
    facts: { parameters: { type: 'object', additionalProperties: text } },
  },
  identifiers: { title: 'Identifiers', input: closed({ value: text, development: boolean }), facts: {} },
  'interaction-codes': { title: 'Values of Agent-Interaction', input: line, facts: { code: text } },
  jwks: {
    title: 'Key sets, and the key that is asked for',
    input: closed({ document: true, kid: text }),
    facts: { thumbprint: named },
  },
  'key-proofs': {
    ...{ title: 'Proofs of the new key at a rotation', facts: {} },
    input: closed({ proof: text, jwk: { type: 'object' }, aud: text, sub: text, jkt: text }),
  },
  purposes: { title: 'Values of purposes', input: closed({ purposes: text }), facts: { words: texts } },
  metadata: {
    ...{ title: 'Metadata of participants', facts: {} },
    input: closed({ role: { enum: ['aauth-agent', 'aauth-resource', 'aauth-issuer'] }, id: named, document: true }),
  },
  'operation-digests': {
    ...{ title: 'Digests of requests that a user is to approve', facts: { text, digest: named } },
    input: closed({ base: text, display: texts }, ['base']),
  },
  'public-keys': {
    ...{ title: 'Public JWKs', facts: { algorithm: named, thumbprint: named } },
    input: closed({ jwk: { type: 'object' } }),
  },
  'redirect-uris': {
    ...{ title: 'Redirect URIs and the metadata of an agent', facts: {} },
    input: closed({ redirect_uri: text, metadata: { type: 'object' } }),
  },
  scopes: { title: 'Values of scope', input: closed({ scope: text }), facts: { scopes: texts } },
  'signature-keys': {
    ...{ title: 'Values of Signature-Key', input: line },
    facts: { label: named, scheme: named, thumbprint: named, id: named, kid: named, jwt: named },
  },
  'agent-tokens': { title: 'Agent tokens', input: token, facts: tokenFacts },
  'auth-tokens': { title: 'Auth tokens', input: token, facts: tokenFacts },
  'condition-arguments': {
    ...{ title: 'Bodies of requests under `arguments` conditions', facts: {} },
    input: closed({ where: rules, body }),
  },
  'condition-data': {
    ...{ title: 'Answers under `data` conditions', facts: { shown: text } },
    input: closed({ fields: { type: 'array', items: texts }, answer: text }),
  },
  'condition-lists': {
    ...{ title: 'Lists of conditions, read', facts: {} },
    input: closed({ list: true, claim: claims }),
  },
  conditions: { title: 'Lists of conditions, judged', input: judged, facts: { ends: integer } },
  'narrowed-conditions': {
    ...{ title: 'Lists of several parties, put together', facts: { longest: list, shortest: list } },
    input: closed({ lists: { type: 'array', items: list } }),
  },
  'resource-tokens': { title: 'Resource tokens', input: token, facts: tokenFacts },
  'signature-bases': { title: 'Signature bases of requests', input: request, facts: caller },
  'signed-requests': { title: 'Whole requests, as a verifier judges them', input: request, facts: caller },
}
