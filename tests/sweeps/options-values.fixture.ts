import * as agent from '@countersign/agent'
import * as agentServer from '@countersign/agent-server'
import * as authServer from '@countersign/auth-server'
import * as operators from '@countersign/console'
import * as discovery from '@countersign/discovery'
import { createCheck, createGateway } from '@countersign/gateway'
import * as httpsig from '@countersign/httpsig'
import * as protocol from '@countersign/protocol'
import * as resource from '@countersign/resource'

/** What an options object is tried with, where names alone do not say it. */
export interface Row {
  /** Members beside, or instead of, those of the table. */
  readonly valid?: object
  /** Parameters of the function instead of those of the table. */
  readonly given?: Readonly<Record<string, unknown>>
  /** Members whose objects are options, too: what they have, by the path to them. */
  readonly nested?: Readonly<Record<string, string>>
}

/** Values that functions and methods are called with. */
export interface Values {
  /** Of the members of options that must be there, by their names. */
  readonly members: Readonly<Record<string, unknown>>
  /** Of parameters that are no options, by their names. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** Objects with the methods of an interface, by its name. */
  readonly owners: Readonly<Record<string, object>>
  /** By entry point, function and parameter, or interface, method and parameter. */
  readonly rows: Readonly<Record<string, Row>>
}

const id = 'https://api.example'
const other = 'https://agent.example'
const sqlite = 'sqlite::memory:'
const database = { url: sqlite }
const nothing = (): void => undefined
const anObject: object = {}
const away = async (): Promise<never> => Promise.reject(new Error('nothing is fetched here'))
const clock = (): number => 0

export async function values(): Promise<Values> {
  const key = await httpsig.generateSigningKey()
  const keys = [{ kid: 'a', key }]
  const api = resource.createResource({ id, keys, authServers: ['https://auth.example'], scopes: { read: 'Read' } })
  const auth = await authServer.createAuthServer({ issuer: id, keys, database: sqlite })
  return {
    members: membersWith(key),
    parameters: parametersWith(api, auth),
    owners: await ownersWith(api, keys),
    rows: { ...rowsWith(keys), ...ofRoutes(api), ...ofMethods },
  }
}

type Keys = readonly { readonly kid: string; readonly key: httpsig.SigningKey }[]
type Api = resource.Resource<'read'>

/** Gives several names one value. */
function all<T>(names: string, value: T, keyOf = (name: string) => name): Readonly<Record<string, T>> {
  return Object.fromEntries(names.split(' ').map(name => [keyOf(name), value]))
}

function membersWith(key: httpsig.SigningKey): Values['members'] {
  const epoch = { read: async () => undefined, write: async () => undefined }
  return {
    ...plainMembers,
    discovery: discovery.createDiscovery({ fetcher: away }),
    encryptionKeys: [new Uint8Array(32)],
    epoch,
    identity: agent.pseudonym(),
    keeper: epoch,
    key,
    keys: [{ kid: 'a', key }],
    message: httpsig.fetchRequestMessage(new Request(id)),
    signatureKey: { scheme: 'hwk', jwk: key.publicJwk },
  }
}

function parametersWith(api: object, server: object): Values['parameters'] {
  return {
    ...all('participant request store', anObject),
    agent: { fetch: away },
    condition: { type: 'chain', max: 0 },
    createServer: away,
    error: new protocol.AAuthError('invalid_request', 'x', { reason: 'path_unknown' }),
    expected: ['auth+jwt'],
    handler: () => new Response(),
    log: { warn: nothing },
    logger: { info: nothing, warn: nothing },
    message: { method: 'GET', target: '/', headers: [] },
    name: 'x',
    now: clock,
    origins: '*',
    path: '/nowhere/keys.json',
    requirement: { level: 'anonymous' },
    resource: api,
    response: new Response(),
    server,
    text: '1',
    token: 'x',
    url: id,
    value: [],
    verify: away,
    '{}': { room: 'x', migrations: [], end: async () => ({}) },
  }
}

async function ownersWith(api: Api, keys: Keys): Promise<Values['owners']> {
  const routes = { resource: api, routes: [{ path: '/*', requirement: { level: 'anonymous' } }] } as const
  const operator = await operators.openOperator({ issuer: id, database: sqlite })
  return {
    View: agent.createAgent({ identity: agent.pseudonym(), acceptAuthServer: ['https://auth.example'], fetcher: away }),
    Resource: api,
    Gateway: createGateway({ ...routes, upstream: 'http://127.0.0.1:1' }),
    Check: createCheck({ ...routes, proxy: 'nginx' }),
    Oversight: await agentServer.createAgentServer({ id: other, keys, database: sqlite }),
    OperatorUsers: operator.users,
    OperatorGrants: operator.grants,
    OperatorAdmins: operator.admins,
    OperatorKeys: operator.keys,
    OperatorAgents: operator.agents,
  }
}

const inRequirement = { deny: 'DenyLists', limits: 'Limits' }
const requirement = {
  name: '/x',
  level: 'identified',
  agents: [other],
  deny: { agents: [], delegates: [], users: [] },
  limits: { identified: '1/min' },
  replay: 'all',
  body: 'whole',
}
const identified = { level: 'identified' }
const guarded = { session: identified, tools: { '*': identified } }
const inGuarded = { session: 'Requirement', 'tools.*': 'Requirement' }
const tokenCheck = { valid: { now: 0 } }
const redis = { valid: { url: 'redis://127.0.0.1:1', deadline: 0.05 } }

function rowsWith(keys: Keys): Values['rows'] {
  return {
    ...plainRows,
    'agent agentServer options': { valid: { id: other, ...keys[0] } },
    ...all('browserSignIn exchangingAgent', { valid: { key: keys[0] } }, name => `agent/internal ${name} options`),
    'httpsig parsePublicJwk options': { given: { value: keys[0]?.key.publicJwk } },
  }
}

const authServerRow: Row = {
  valid: {
    deviceFlow: [],
    requestQuota: { agent: 1, delegate: 1 },
    exchange: {
      rules: [
        {
          upstream: 'https://auth.example',
          middle: id,
          downstream: other,
          upstreamScopes: ['a'],
          scopes: ['b'],
          decision: 'direct',
        },
      ],
    },
    deny: { agents: [other], delegates: [{ agent: other, delegate: 'a' }], sites: ['acme.example'], users: ['a'] },
    issuer: 'https://auth.example',
  },
  nested: {
    deny: 'DenyLists',
    exchange: 'ExchangeOptions',
    'exchange.rules.0': 'ExchangeRule',
    requestQuota: 'RequestQuota',
  },
}

const resourceRow: Row = {
  valid: {
    deny: { agents: [] },
    limits: { anonymous: '1/min' },
    downstream: { acceptAuthServer: 'any', identifyTo: 'any' },
    scopes: { read: { description: 'Read' } },
  },
  nested: { 'scopes.read': 'DescribedScope', deny: 'DenyLists', limits: 'Limits', downstream: 'DownstreamOptions' },
}

/** Of a gateway and a check. */
function ofRoutes(api: Api): Values['rows'] {
  const nested = { 'routes.0': 'GatewayRoute', 'routes.0.requirement': 'Requirement' }
  const routes = [{ path: '/mcp', requirement: identified, mcp: { tools: {} } }]
  const open = { resource: api, routes: [{ path: '/*', requirement: { level: 'anonymous' } }] }
  return {
    'gateway createGateway options': { valid: { resource: api, routes, identity: 'headers' }, nested },
    'gateway createCheck options': {
      valid: { resource: api, proxy: 'nginx', routes: [{ path: '/*', requirement: identified }] },
      nested,
    },
    'Gateway.reload options': { valid: open },
    'Check.reload options': { valid: { ...open, proxy: 'nginx' } },
  }
}

const ofMethods: Values['rows'] = {
  'View.requestAccess request': { valid: { authServer: 'https://auth.example', purpose: 'x', loginHint: 'x' } },
  'View.signIn request': { valid: { authServer: 'https://auth.example' } },
  'Resource.declare requirement': {
    valid: { ...identified, name: '/x', agents: [other], deny: { agents: [] }, replay: 'all' },
  },
  'Oversight.invite invitation': { valid: { sub: 'a', expiresIn: 60, label: 'x' } },
  'OperatorAdmins.add admin': { valid: { origin: id } },
}

const plainMembers: Values['members'] = {
  ...all('audience id issuer receiver resource signatureAgent url', id),
  ...all('agent agentServer', other),
  ...all('publishAhead tokenLifetime', 60),
  ...all('account authenticate busy client end onFault open otherwise read refusal show', nothing),
  ...all('local participant replay running signer store verified', anObject),
  ...all('fetcher remote run suspend', away),
  ...all('capacity idle most perCaller sessions subscriptions timeout', 1),
  ...all('clientId folder name policies proof publicKey room token version', 'x'),
  ...all('acceptAuthServer agents identifyTo resources to', 'any'),
  ...all('login migrations publicKeys requests requiredComponents', []),
  accept: ['hwk'],
  authorities: ['api.example'],
  bodyLimit: 10,
  components: ['@method'],
  database: sqlite,
  development: false,
  issuers: [{ issuer: 'https://ci.example', subjects: ['a'], claims: {} }],
  language: 'en',
  maxBytes: 10,
  method: 'GET',
  now: clock,
  origin: 'api.example',
  origins: [id],
  redirectUri: `${id}/callback`,
  rotateEvery: 3600,
  scheme: 'https',
  scope: 'read',
  scopes: ['a'],
  signInUrl: () => id,
  upstream: 'http://127.0.0.1:1',
}

const plainRows: Values['rows'] = {
  'agent/internal/provider providerClient options': { valid: { issuer: new URL(id) } },
  'agent-server createAgentServer options': {
    valid: { id: other, keys: { rotateEvery: 3600, publishAhead: 900 }, trustedProxies: 1 },
    nested: { keys: 'KeyRotation' },
  },
  'agent-server oidc options': { nested: { 'issuers.0': 'OidcIssuer' } },
  'audit createAuditLog options': { valid: { every: 'manual', days: 30, witness: anObject } },
  'audit verifyAudit options': { valid: { kept: [], witness: 'x' } },
  'auth-server createAuthServer options': authServerRow,
  'auth-server directGrants list': { valid: { delegates: ['b'] } },
  'console adminPage options': { valid: { origin: other, idle: 60, life: 60, rulesOf: nothing } },
  ...all('fromRequest receiveRequest', { given: { request: new Request(id) } }, name => `httpsig ${name} options`),
  'httpsig verifyMessage options': {
    valid: { key: nothing, limits: { members: 1, bytes: 1 } },
    nested: { limits: 'DictionaryLimits' },
  },
  'httpsig answerAcceptSignature options': { valid: { key: nothing } },
  'mcp/internal ruleBook rules': { valid: { session: identified }, nested: { session: 'Requirement' } },
  'mcp guardMcp options': {
    valid: { ...guarded, limits: { perCaller: 1 } },
    nested: { ...inGuarded, limits: 'StreamLimits' },
  },
  'mcp-sdk1 guardMcp options': {
    valid: { ...guarded, limits: { sessions: 1 } },
    nested: { ...inGuarded, limits: 'SessionLimits' },
  },
  'redis redisReplaySet options': redis,
  'redis/mcp redisEventBus options': redis,
  ...all('Counter Interactions RevocationSet', redis, name => `redis/resource redis${name} options`),
  'resource createResource options': resourceRow,
  ...all(
    'hono express fastify fetch node',
    { valid: requirement, nested: inRequirement },
    name => `resource/${name} guard requirement`,
  ),
  // Fails at its port, so that nothing listens.
  'server serve options': {
    valid: { port: 1e9, limits: { stall: 1 }, signals: false, level: 'silent' },
    nested: { limits: 'ServeLimits' },
  },
  'server jsonLog options': { valid: { level: 'silent' } },
  'store openStore options': { valid: { ...database, limits: { batch: 1 } }, nested: { limits: 'StoreLimits' } },
  'store/internal backupDatabase options': { valid: { ...database, to: '/nowhere/copy.db' } },
  'store/internal isNewDatabase options': { valid: database },
  'user-desk userDesk options': {
    valid: { branding: { name: 'Example', accent: '#0b57d0' }, consentDefaults: { callsPerDay: 7 } },
    nested: { branding: 'Branding', consentDefaults: 'ConsentDefaults' },
  },
  'user-desk/passkeys passkeys options': { valid: { accounts: 'open' } },
  ...all('verifyAgentToken verifyAuthToken verifyResourceToken', tokenCheck, name => `verify ${name} check`),
}
