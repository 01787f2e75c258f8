import * as agent from '@countersign/agent'
import * as exchange from '@countersign/agent/internal'
import { providerClient } from '@countersign/agent/internal/provider'
import * as agentNode from '@countersign/agent/node'
import { webBotAuth } from '@countersign/agent/web-bot-auth'
import * as agentServer from '@countersign/agent-server'
import * as audit from '@countersign/audit'
import * as authServer from '@countersign/auth-server'
import { authzen } from '@countersign/auth-server/authzen'
import { cedar } from '@countersign/auth-server/cedar'
import * as conditions from '@countersign/conditions'
import * as operators from '@countersign/console'
import * as discovery from '@countersign/discovery'
import { documentAt } from '@countersign/discovery/internal'
import { guardedFetch, guardedFetcher } from '@countersign/discovery/node'
import { createCheck, createGateway } from '@countersign/gateway'
import * as httpsig from '@countersign/httpsig'
import { fromNode, peekNode, receiveNode } from '@countersign/httpsig/node'
import { guardMcp } from '@countersign/mcp'
import * as mcpClient from '@countersign/mcp/client'
import { ruleBook, streamShares } from '@countersign/mcp/internal'
import * as mcpPlain from '@countersign/mcp/internal/client'
import { guardMcp as guardMcpOfSdk1 } from '@countersign/mcp-sdk1'
import { bridge } from '@countersign/mcp-sdk1/bridge'
import * as mcpClientOfSdk1 from '@countersign/mcp-sdk1/client'
import { createSessions } from '@countersign/mcp-sdk1/internal'
import * as protocol from '@countersign/protocol'
import { logLimit } from '@countersign/protocol'
import { checkKeySchedule, createCors, parseJson, sharedMap } from '@countersign/protocol/internal'
import { keysFile } from '@countersign/protocol/node'
import { redisReplaySet } from '@countersign/redis'
import { redisEventBus } from '@countersign/redis/mcp'
import { redisCounter, redisInteractions, redisRevocationSet } from '@countersign/redis/resource'
import * as resource from '@countersign/resource'
import * as server from '@countersign/server'
import { serverMetrics } from '@countersign/server/otel'
import * as store from '@countersign/store'
import {
  backupDatabase,
  beginEpoch,
  inGroups,
  isNewDatabase,
  openEpoch,
  restoreDatabase,
} from '@countersign/store/internal'
import * as desk from '@countersign/user-desk'
import { openidConnect } from '@countersign/user-desk/openid'
import { passkeys } from '@countersign/user-desk/passkeys'
import * as verify from '@countersign/verify'
import { internalVerifier, refuseUsedApproval, takeApproval } from '@countersign/verify/internal'
import { browserFetcher, indexedDbState } from '../../packages/agent/src/browser.js'
import { openTelemetry as agentServerTelemetry } from '../../packages/agent-server/src/otel.js'
import { openTelemetry as authServerTelemetry } from '../../packages/auth-server/src/otel.js'
import * as express from '../../packages/resource/src/adapter/express-node.js'
import * as fastify from '../../packages/resource/src/adapter/fastify-node.js'
import * as fetchGuard from '../../packages/resource/src/adapter/fetch.js'
import * as hono from '../../packages/resource/src/adapter/hono.js'
import * as node from '../../packages/resource/src/adapter/node.js'
import { openTelemetry } from '../../packages/resource/src/event/otel.js'
import { oauthApi, oauthTokens } from '../../packages/resource/src/oauth/oauth-node.js'

/** One options object of one exported function. */
export interface Taken {
  /** Options that pass, or fail later and for another reason. */
  readonly valid: object
  // What a JavaScript program gives has no type.
  readonly call: (options: never) => unknown
  /** Members whose objects are options, too: what they have, by the path to them. */
  readonly nested?: Readonly<Record<string, string>>
}

const id = 'https://api.example'
const other = 'https://agent.example'
const nothing = (): void => undefined
const anObject: object = {}
const away = async (): Promise<never> => Promise.reject(new Error('nothing is fetched here'))

/** All options of all packages, by entry point, function and parameter. */
export async function taken(): Promise<Record<string, Taken>> {
  const key = await httpsig.generateSigningKey()
  const keys = [{ kid: 'a', key }]
  const discovered = discovery.createDiscovery({ fetcher: away })
  const api = resource.createResource({ id, keys, authServers: ['https://auth.example'], scopes: { read: 'Read' } })
  const auth = await authServer.createAuthServer({ issuer: id, keys, database: 'sqlite::memory:' })
  const message = { method: 'GET', target: '/', headers: [] }
  const http = httpsig.fetchRequestMessage(new Request(id))
  const requirement = {
    name: '/x',
    level: 'identified',
    agents: [other],
    deny: { agents: [], delegates: [], users: [] },
    limits: { identified: '1/min' },
    replay: 'all',
    body: 'whole',
  }
  const inside = { deny: 'DenyLists', limits: 'Limits' }
  const bodyLimit = { bodyLimit: 10 }
  const sqlite = 'sqlite::memory:'
  const epoch = { read: async () => undefined, write: async () => undefined }
  const identity = agent.pseudonym()
  const rule = { upstream: 'https://auth.example', middle: id, downstream: other, upstreamScopes: ['a'], scopes: ['b'] }
  const token = { token: 'x', discovery: discovered, now: 0, issuer: id }
  return {
    'protocol parseConditions o': { valid: {}, call: o => protocol.parseConditions([], o) },
    'audit createAuditLog options': {
      valid: {
        store: anObject,
        room: 'x',
        signer: anObject,
        every: 'manual',
        days: 30,
        witness: anObject,
        onFault: nothing,
      },
      call: audit.createAuditLog,
    },
    'audit readAudit options': { valid: { store: anObject, room: 'x' }, call: audit.readAudit },
    'audit appendAudit options': { valid: { room: 'x', now: () => 1 }, call: audit.appendAudit },
    'audit checkpointSigner options': { valid: { origin: 'api.example', key }, call: audit.checkpointSigner },
    'audit httpWitness options': { valid: { url: id, publicKey: 'x', timeout: 1 }, call: audit.httpWitness },
    'audit verifyProof options': { valid: { proof: '{}', publicKey: 'x' }, call: audit.verifyProof },
    'audit verifyAudit options': {
      valid: { folder: 'nowhere', publicKeys: [], kept: [], witness: 'x' },
      call: audit.verifyAudit,
    },
    'conditions parseConditions o': { valid: {}, call: o => conditions.parseConditions([], o) },
    'conditions explainCondition o': {
      valid: { language: 'en' },
      call: o => conditions.explainCondition({ type: 'chain', max: 0 }, o),
    },
    'agent createAgent options': {
      valid: { identity, state: agent.memoryState(), identifyTo: [id] },
      call: agent.createAgent,
    },
    'agent agentServer options': { valid: { id: other, ...keys[0] }, call: agent.agentServer },
    'agent delegate options': { valid: { agentServer: other, rotateEvery: 3600 }, call: agent.delegate },
    'agent inbox options': {
      valid: { otherwise: agent.deviceCode({ show: nothing }), show: nothing },
      call: agent.inbox,
    },
    'agent callbackRoute options': { valid: { redirectUri: `${id}/callback` }, call: agent.callbackRoute },
    'agent deviceCode options': { valid: { show: nothing }, call: agent.deviceCode },
    'agent/browser browserFetcher options': { valid: { fetch: away }, call: browserFetcher },
    'agent/browser indexedDbState options': { valid: { name: 'x', indexedDB: anObject }, call: indexedDbState },
    'agent/internal browserSignIn options': {
      valid: { id, key: keys[0], discovery: discovered, redirectUri: `${id}/x`, now: () => 0, development: false },
      call: exchange.browserSignIn,
    },
    'agent/internal exchangingAgent options': {
      valid: {
        ...{ id, key: keys[0], acceptAuthServer: 'any', identifyTo: 'any', redirectUri: `${id}/x` },
        ...{ discovery: discovered, now: () => 0, development: false, suspend: away },
      },
      call: exchange.exchangingAgent,
    },
    'agent/web-bot-auth webBotAuth options': {
      valid: { signatureAgent: id, key: keys[0]?.key, to: 'any' },
      call: webBotAuth,
    },
    'agent/node loopback options': { valid: { open: nothing }, call: agentNode.loopback },
    'agent/internal/provider providerClient options': {
      valid: { issuer: new URL(id), clientId: 'x', timeout: 1, refusal: nothing, busy: nothing },
      call: providerClient,
    },
    'agent-server createAgentServer options': {
      valid: { id: other, keys: { rotateEvery: 3600, publishAhead: 900 }, trustedProxies: 1 },
      call: agentServer.createAgentServer,
      nested: { keys: 'KeyRotation' },
    },
    'agent-server oidc options': {
      valid: { issuers: [{ issuer: 'https://ci.example', subjects: ['a'], claims: {} }] },
      call: agentServer.oidc,
      nested: { 'issuers.0': 'OidcIssuer' },
    },
    'agent-server session options': { valid: { authenticate: nothing }, call: agentServer.session },
    'agent-server restoreAgentServer options': {
      valid: { database: sqlite, epoch, trustBackup: false },
      call: agentServer.restoreAgentServer,
    },
    'auth-server createAuthServer options': {
      valid: {
        ...{
          issuer: 'https://auth.example',
          keys,
          database: sqlite,
          deviceFlow: [],
          requestQuota: { agent: 1, delegate: 1 },
        },
        exchange: { rules: [{ ...rule, decision: 'direct' }] },
        deny: { agents: [other], delegates: [{ agent: other, delegate: 'a' }], sites: ['acme.example'], users: ['a'] },
      },
      call: authServer.createAuthServer,
      nested: {
        deny: 'DenyLists',
        exchange: 'ExchangeOptions',
        'exchange.rules.0': 'ExchangeRule',
        requestQuota: 'RequestQuota',
      },
    },
    'auth-server restoreAuthServer options': {
      valid: { database: sqlite, epoch, trustBackup: false },
      call: authServer.restoreAuthServer,
    },
    'user-desk inviteUser options': {
      valid: { issuer: id, database: 'sqlite::memory:', first: true },
      call: desk.inviteUser,
    },
    'console openOperator options': {
      valid: { issuer: id, database: 'sqlite::memory:', development: false },
      call: operators.openOperator,
    },
    'console adminPage options': {
      valid: { origin: other, idle: 60, life: 60, rulesOf: nothing },
      call: (options: never) => operators.adminPage(auth, options),
    },
    'user-desk demoUsers users': { valid: { name: 'Ada' }, call: (user: never) => desk.demoUsers([user]) },
    'user-desk userDesk options': {
      valid: { login: [], branding: { name: 'Example', accent: '#0b57d0' }, consentDefaults: { callsPerDay: 7 } },
      call: desk.userDesk,
      nested: { branding: 'Branding', consentDefaults: 'ConsentDefaults' },
    },
    'user-desk hostSession options': {
      valid: { name: 'A', issuer: id, account: nothing, signInUrl: () => id },
      call: desk.hostSession,
    },
    'auth-server askUsers questions': {
      valid: { agents: 'any', resources: 'any', scopes: ['a'], delegates: 'any' },
      call: (question: never) => authServer.askUsers([question]),
    },
    'auth-server directGrants list': {
      valid: { agent: other, resource: id, scopes: ['a'], delegates: ['b'] },
      call: (grant: never) => authServer.directGrants([grant]),
    },
    'auth-server/authzen authzen options': { valid: { url: id, headers: {}, deadline: 2 }, call: authzen },
    'auth-server/cedar cedar options': { valid: { policies: '', groups: {}, conditions: {} }, call: cedar },
    'user-desk/openid openidConnect options': {
      valid: { id: 'a', name: 'A', issuer: id, clientId: 'x' },
      call: openidConnect,
    },
    'user-desk/passkeys passkeys options': { valid: { accounts: 'open' }, call: passkeys },
    'discovery createBotDirectory options': {
      valid: { fetcher: away, timeout: 5 },
      call: discovery.createBotDirectory,
    },
    'discovery createDirectory options': { valid: { fetcher: away }, call: discovery.createDirectory },
    'discovery createDiscovery options': { valid: { fetcher: away, timeout: 5 }, call: discovery.createDiscovery },
    'discovery/internal documentAt options': {
      valid: { url: id, maxBytes: 1, read: nothing, fetcher: away },
      call: documentAt,
    },
    'discovery/node guardedFetcher options': { valid: { timeout: 5 }, call: guardedFetcher },
    'discovery/node guardedFetch options': { valid: { timeout: 5 }, call: guardedFetch },
    'gateway createGateway options': {
      valid: {
        ...{ resource: api, upstream: 'http://127.0.0.1:1', identity: 'headers' },
        routes: [{ path: '/mcp', requirement: { level: 'identified' }, mcp: { tools: {} } }],
      },
      call: createGateway,
      nested: { 'routes.0': 'GatewayRoute', 'routes.0.requirement': 'Requirement' },
    },
    'gateway createCheck options': {
      valid: { resource: api, proxy: 'nginx', routes: [{ path: '/*', requirement: { level: 'identified' } }] },
      call: createCheck,
      nested: { 'routes.0': 'GatewayRoute', 'routes.0.requirement': 'Requirement' },
    },
    'httpsig answerAcceptSignature options': {
      valid: { message: http, requests: [], key: nothing },
      call: httpsig.answerAcceptSignature,
    },
    'httpsig explainSignature options': {
      valid: { message, authorities: ['api.example'], scheme: 'https' },
      call: httpsig.explainSignature,
    },
    'httpsig fetchResponseMessage given': {
      valid: { request: http },
      call: (given: never) => httpsig.fetchResponseMessage(new Response(), given),
    },
    'httpsig fromRequest options': {
      valid: bodyLimit,
      call: (options: never) => httpsig.fromRequest(new Request(id), options),
    },
    'httpsig memoryReplaySet options': { valid: { window: 120 }, call: httpsig.memoryReplaySet },
    'httpsig openSignature options': {
      valid: { authorities: ['api.example'], scheme: 'https' },
      call: (options: never) => httpsig.openSignature(message, options),
    },
    'httpsig parsePublicJwk options': {
      valid: { algorithmOptional: false },
      call: (options: never) => httpsig.parsePublicJwk(key.publicJwk, options),
    },
    'httpsig receiveRequest options': {
      valid: bodyLimit,
      call: (options: never) => httpsig.receiveRequest(new Request(id), options),
    },
    'httpsig signMessage options': {
      valid: { message: http, key, components: ['@method'] },
      call: httpsig.signMessage,
    },
    'httpsig signRequest options': {
      valid: { method: 'GET', url: id, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } },
      call: httpsig.signRequest,
    },
    'httpsig verifyKeyCache options': { valid: { capacity: 1 }, call: httpsig.verifyKeyCache },
    'httpsig verifyMessage options': {
      valid: { message: http, key: nothing, requiredComponents: [], limits: { members: 1, bytes: 1 } },
      call: httpsig.verifyMessage,
      nested: { limits: 'DictionaryLimits' },
    },
    'httpsig/node fromNode options': {
      valid: bodyLimit,
      call: (options: never) => fromNode(anObject as never, options),
    },
    'httpsig/node peekNode options': {
      valid: bodyLimit,
      call: (options: never) => peekNode(anObject as never, options),
    },
    'httpsig/node receiveNode options': {
      valid: { ...bodyLimit, requestId: 'x', leaveBody: true, onRead: nothing },
      call: (options: never) => receiveNode(anObject as never, options),
    },
    'redis redisReplaySet options': {
      valid: { url: 'redis://127.0.0.1:1', deadline: 0.05 },
      call: redisReplaySet,
    },
    'mcp guardMcp options': {
      valid: { session: { level: 'identified' }, tools: { '*': { level: 'identified' } }, limits: { perCaller: 1 } },
      call: (options: never) => guardMcp(away, api, options),
      nested: { session: 'Requirement', 'tools.*': 'Requirement', limits: 'StreamLimits' },
    },
    'mcp-sdk1 guardMcp options': {
      valid: { session: { level: 'identified' }, tools: { '*': { level: 'identified' } }, limits: { sessions: 1 } },
      call: (options: never) => guardMcpOfSdk1(away, api, options),
      nested: { session: 'Requirement', 'tools.*': 'Requirement', limits: 'SessionLimits' },
    },
    'mcp-sdk1/client agentTransport options': {
      valid: { onLost: nothing },
      call: (options: never) => mcpClientOfSdk1.agentTransport(id, { fetch: away }, options),
    },
    'mcp-sdk1/bridge bridge options': { valid: { local: anObject, remote: away }, call: bridge },
    'mcp-sdk1/client elicitCode options': {
      valid: { client: nothing, otherwise: nothing },
      call: mcpClientOfSdk1.elicitCode,
    },
    'mcp-sdk1/client elicitUrl options': {
      valid: { client: nothing, otherwise: nothing },
      call: mcpClientOfSdk1.elicitUrl,
    },
    'mcp/client agentTransport options': {
      valid: { onLost: nothing },
      call: (options: never) => mcpClient.agentTransport(id, { fetch: away }, options),
    },
    'mcp/client elicitCode options': {
      valid: { client: nothing, otherwise: nothing },
      call: mcpClient.elicitCode,
    },
    'mcp/client elicitUrl options': { valid: { client: nothing, otherwise: nothing }, call: mcpClient.elicitUrl },
    'mcp/internal/client elicitCode options': {
      valid: { client: nothing, otherwise: nothing },
      call: mcpPlain.elicitCode,
    },
    'mcp/internal/client elicitUrl options': {
      valid: { client: nothing, otherwise: nothing },
      call: mcpPlain.elicitUrl,
    },
    'mcp/internal ruleBook rules': {
      valid: { session: { level: 'identified' } },
      call: (rules: never) => ruleBook(api, rules),
      nested: { session: 'Requirement' },
    },
    'mcp/internal streamShares limits': { valid: { subscriptions: 1, perCaller: 1 }, call: streamShares },
    'mcp-sdk1/internal createSessions o': {
      valid: { sessions: 1, perCaller: 1, idle: 1, end: nothing, now: () => 0 },
      call: createSessions,
    },
    'protocol/internal checkKeySchedule schedule': {
      valid: { rotateEvery: 3600, publishAhead: 60, tokenLifetime: 60 },
      call: checkKeySchedule,
    },
    'protocol/internal createCors options': { valid: { bearer: () => false }, call: (o: never) => createCors('*', o) },
    'protocol errorResponse options': {
      valid: { headers: [] },
      call: (o: never) =>
        protocol.errorResponse(new protocol.AAuthError('invalid_request', 'x', { reason: 'path_unknown' }), o),
    },
    'protocol/node keysFile options': {
      valid: { missing: 'refuse' },
      call: (o: never) => keysFile('/nowhere/keys.json', o),
    },
    'server keysFile options': {
      valid: { missing: 'refuse' },
      call: (o: never) => server.keysFile('/nowhere/keys.json', o),
    },
    'protocol/internal sharedMap options': { valid: { maxBytes: 1 }, call: (o: never) => sharedMap(o) },
    'protocol logLimit options': { valid: { lines: 1 }, call: (o: never) => logLimit({ warn: nothing }, o) },
    'server logLimit options': { valid: { lines: 1 }, call: (o: never) => server.logLimit({ warn: nothing }, o) },
    'protocol/internal parseJson limits': { valid: { maxBytes: 10 }, call: (limits: never) => parseJson('1', limits) },
    'protocol parseToken options': {
      valid: { development: false },
      call: (options: never) => protocol.parseToken('x', ['auth+jwt'], options),
    },
    'resource bearer options': { valid: { realm: 'x' }, call: (o: never) => resource.bearer(away, o) },
    'resource createResource options': {
      valid: {
        ...{ id, keys, deny: { agents: [] }, limits: { anonymous: '1/min' } },
        downstream: { acceptAuthServer: 'any', identifyTo: 'any' },
        scopes: { read: { description: 'Read' } },
      },
      call: resource.createResource,
      nested: { 'scopes.read': 'DescribedScope', deny: 'DenyLists', limits: 'Limits', downstream: 'DownstreamOptions' },
    },
    'resource logTo options': { valid: {}, call: (o: never) => resource.logTo({ info: nothing, warn: nothing }, o) },
    'resource memoryRevocationSet options': { valid: { capacity: 1 }, call: resource.memoryRevocationSet },
    'resource memoryCounter options': { valid: { capacity: 1 }, call: resource.memoryCounter },
    'resource memoryInteractions limits': {
      valid: { capacity: 1 },
      call: (limits: never) => resource.memoryInteractions(() => 0, limits),
    },
    'resource/hono guard requirement': { valid: requirement, call: (r: never) => hono.guard(api, r), nested: inside },
    'resource/hono guard options': { valid: bodyLimit, call: (o: never) => hono.guard(api, { level: 'anonymous' }, o) },
    'resource/hono wellKnown options': { valid: bodyLimit, call: (o: never) => hono.wellKnown(api, o) },
    'resource/express guard requirement': {
      valid: requirement,
      call: (r: never) => express.guard(api, r),
      nested: inside,
    },
    'resource/express guard options': {
      valid: bodyLimit,
      call: (o: never) => express.guard(api, { level: 'anonymous' }, o),
    },
    'resource/express wellKnown options': { valid: bodyLimit, call: (o: never) => express.wellKnown(api, o) },
    'resource/fastify guard requirement': {
      valid: requirement,
      call: (r: never) => fastify.guard(api, r),
      nested: inside,
    },
    'resource/fastify guard options': {
      valid: bodyLimit,
      call: (o: never) => fastify.guard(api, { level: 'anonymous' }, o),
    },
    'resource/fastify wellKnown options': { valid: bodyLimit, call: (o: never) => fastify.wellKnown(api, o) },
    'resource/fetch guard requirement': {
      valid: requirement,
      call: (r: never) => fetchGuard.guard(api, r, () => new Response()),
      nested: inside,
    },
    'resource/fetch guard options': {
      valid: bodyLimit,
      call: (o: never) => fetchGuard.guard(api, { level: 'anonymous' }, () => new Response(), o),
    },
    'resource/fetch wellKnown options': { valid: bodyLimit, call: (o: never) => fetchGuard.wellKnown(api, o) },
    'resource/node guard requirement': {
      valid: requirement,
      call: (r: never) => node.guard(api, r, nothing),
      nested: inside,
    },
    'resource/node guard options': {
      valid: bodyLimit,
      call: (o: never) => node.guard(api, { level: 'anonymous' }, nothing, o),
    },
    'resource/node wellKnown options': { valid: bodyLimit, call: (o: never) => node.wellKnown(api, o) },
    'resource/oauth oauthApi options': {
      valid: { id: 'a', issuer: id, clientId: 'x', scope: 's', origins: [id] },
      call: oauthApi,
    },
    'resource/oauth oauthTokens options': {
      valid: { database: sqlite, encryptionKeys: [new Uint8Array(32)] },
      call: oauthTokens,
    },
    'resource/otel openTelemetry options': { valid: {}, call: openTelemetry },
    'agent-server/otel openTelemetry options': { valid: {}, call: agentServerTelemetry },
    'auth-server/otel openTelemetry options': { valid: {}, call: authServerTelemetry },
    'server/otel serverMetrics options': {
      valid: { running: anObject, name: 'x', version: '1' },
      call: serverMetrics,
    },
    'redis/resource redisCounter options': {
      valid: { url: 'redis://127.0.0.1:1', deadline: 0.05 },
      call: redisCounter,
    },
    'redis/resource redisInteractions options': {
      valid: { url: 'redis://127.0.0.1:1', deadline: 0.05 },
      call: redisInteractions,
    },
    'redis/mcp redisEventBus options': {
      valid: { url: 'redis://127.0.0.1:1', deadline: 0.05 },
      call: redisEventBus,
    },
    'redis/resource redisRevocationSet options': {
      valid: { url: 'redis://127.0.0.1:1', deadline: 0.05 },
      call: redisRevocationSet,
    },
    'server jsonLog options': { valid: { name: 'x', level: 'silent' }, call: server.jsonLog },
    'server mountFetch options': { valid: bodyLimit, call: (o: never) => server.mountFetch(anObject as never, o) },
    'server mountHono options': { valid: bodyLimit, call: (o: never) => server.mountHono(anObject as never, o) },
    'server mountNode options': { valid: bodyLimit, call: (o: never) => server.mountNode(anObject as never, o) },
    'server serve options': {
      // Fails at its port, so that nothing listens.
      valid: { name: 'x', id, port: 1e9, participant: anObject, limits: { stall: 1 }, signals: false, level: 'silent' },
      call: server.serve,
      nested: { limits: 'ServeLimits' },
    },
    'store/internal backupDatabase options': { valid: { url: sqlite, to: '/nowhere/copy.db' }, call: backupDatabase },
    'store/internal inGroups options': { valid: { run: away, most: 1, capacity: 1 }, call: inGroups },
    'store/internal isNewDatabase options': { valid: { url: sqlite, room: 'x' }, call: isNewDatabase },
    'store/internal beginEpoch o': {
      valid: { room: 'x', keeper: epoch, now: () => 0 },
      call: (o: never) => beginEpoch(anObject as never, o),
    },
    'store/internal openEpoch o': {
      valid: { room: 'x', keeper: epoch, now: () => 0 },
      call: (o: never) => openEpoch(anObject as never, o),
    },
    'store/internal restoreDatabase options': {
      valid: { database: sqlite, epoch, trustBackup: false },
      call: (o: never) => restoreDatabase('restoreDatabase', o, { room: 'x', migrations: [], end: async () => ({}) }),
    },
    'store openStore options': {
      valid: { url: sqlite, room: 'x', migrations: [], limits: { batch: 1 } },
      call: store.openStore,
      nested: { limits: 'StoreLimits' },
    },
    'verify checkReplay check': { valid: { replay: anObject, verified: anObject }, call: verify.checkReplay },
    'verify refuseSeen check': { valid: { replay: anObject, verified: anObject }, call: verify.refuseSeen },
    'verify/internal refuseUsedApproval check': {
      valid: { replay: anObject, verified: anObject },
      call: refuseUsedApproval,
    },
    'verify/internal takeApproval check': { valid: { replay: anObject, verified: anObject }, call: takeApproval },
    'verify/internal internalVerifier options': {
      valid: { receiver: id, discovery: discovered, accept: ['hwk'] },
      call: internalVerifier,
    },
    'verify createVerifier options': {
      valid: { receiver: id, discovery: discovered, accept: ['hwk'] },
      call: verify.createVerifier,
    },
    'verify verifyAgentToken check': { valid: token, call: verify.verifyAgentToken },
    'verify verifyAuthToken check': { valid: { ...token, audience: id }, call: verify.verifyAuthToken },
    'verify verifyResourceToken check': { valid: { ...token, audience: id }, call: verify.verifyResourceToken },
  }
}

/** All options of methods of exported interfaces, by interface, method and parameter. */
export async function methods(): Promise<Record<string, Taken>> {
  const key = await httpsig.generateSigningKey()
  const keys = [{ kid: 'a', key }]
  const api = resource.createResource({ id, keys, authServers: ['https://auth.example'], scopes: { read: 'Read' } })
  const requirement = { name: '/x', level: 'identified', agents: [other], deny: { agents: [] }, replay: 'all' }
  const client = agent.createAgent({
    ...{ identity: agent.pseudonym(), acceptAuthServer: ['https://auth.example'] },
    fetcher: away,
  })
  const upstream = { resource: api, routes: [{ path: '/*', requirement: { level: 'anonymous' } }] } as const
  const gateway = createGateway({ ...upstream, upstream: 'http://127.0.0.1:1' })
  const check = createCheck({ ...upstream, proxy: 'nginx' })
  const server = await agentServer.createAgentServer({ id: other, keys, database: 'sqlite::memory:' })
  const operator = await operators.openOperator({ issuer: id, database: 'sqlite::memory:' })
  return {
    'View.requestAccess request': {
      valid: { resource: id, scope: 'read', authServer: 'https://auth.example', purpose: 'x', loginHint: 'x' },
      call: client.requestAccess,
    },
    'View.signIn request': { valid: { authServer: 'https://auth.example', scope: 'openid' }, call: client.signIn },
    'Resource.declare requirement': { valid: requirement, call: api.declare },
    'Gateway.reload options': { valid: { ...upstream, upstream: 'http://127.0.0.1:1' }, call: gateway.reload },
    'Check.reload options': { valid: { ...upstream, proxy: 'nginx' }, call: check.reload },
    'Oversight.invite invitation': { valid: { sub: 'a', expiresIn: 60, label: 'x' }, call: server.invite },
    'Oversight.list page': { valid: { limit: 1, after: 'a' }, call: server.list },
    'OperatorUsers.list options': { valid: { limit: 1, search: 'a', blocked: true }, call: operator.users.list },
    'OperatorGrants.list options': { valid: { limit: 1, agent: other, delegate: 'a' }, call: operator.grants.list },
    'OperatorAdmins.add admin': { valid: { name: 'ada', origin: id }, call: operator.admins.add },
    'OperatorKeys.rotate options': { valid: { now: true }, call: operator.keys.rotate },
    'OperatorAgents.list options': { valid: { limit: 1, after: other }, call: operator.agents.list },
  }
}

/** Objects of methods that are no options of a caller's. */
export const exemptMethods: ReadonlySet<string> = new Set([
  // What `declare` returned: it has been checked.
  ...['Resource.authorize requirement', 'Resource.read requirement', 'Resource.responseHeaders requirement'],
  // Made by packages of ours for each other, with all members there.
  ...[
    'BrowserSignIn.finish o',
    'OAuthApi.begin o',
    'OAuthApi.finish o',
    'Store.write options',
    'Telemetry.begin route',
    ...['Approvals.ask asked', 'Approvals.grantConditions what', 'Links.add link', 'Links.find upstream'],
    ...['Requests.add o', 'UserAccess.narrow narrowed'],
  ],
  // Implemented by others, and called by us.
  ...[
    'ElicitingClient.elicitInput params',
    'ElicitingClient.elicitInput options',
    'BridgeTransport.send options',
    'HostSessionOptions.signInUrl o',
  ],
  ...['LoginProvider.finish callback', 'Participant.refused request'],
])

/** Objects of exported functions that are no options, or whose slips forbid more, by the reason. */
export const exempt: Readonly<Record<string, readonly string[]>> = {
  'checked by the types of the packages that call it': ['httpsig/internal signCheckedRequest options'],
  'a message, a logger or a party to talk to, of which few members are read': [
    'httpsig requestMessage origin',
    'protocol logLimit log',
    'server logLimit log',
    'audit/internal named message',
    'verify/internal peerOf { peer }',
    'verify/internal replayEntryOf check',
    'verify/internal requestIdOf { requestId }',
    'verify/internal telling context',
    'verify/internal telling message',
    'mcp/internal callerIn authInfo',
    'mcp/internal checkOrigin { id, cors }',
    'server mountFetch participant',
  ],
  'options of mcp and mcp-sdk1 that guardMcp and agentTransport have checked': [
    "mcp/internal mountOf { path = '/mcp', oauth }",
    ...['mcp/internal mountOf rules', 'mcp/internal refuseUnread { resource, rules }'],
    'mcp/internal/client agentFetch { attempts, onLost, maxMessageBytes: mostBytes = mostMessageBytes, refused }',
    'mcp/internal/client checkTransportOptions options',
  ],
  'a part of the check itself': [
    ...['httpsig/internal', 'protocol/internal'].flatMap(entry => [
      `${entry} checkOption check`,
      `${entry} checkOption place`,
      `${entry} each check`,
      `${entry} eachMember check`,
      `${entry} objectOr other`,
      `${entry} restriction check`,
      `${entry} wrongOption place`,
      `${entry} wrongOption { taker, path }`,
    ]),
  ],
  'the token that a refusal is about: a slip of cause leaves a fact out of the log': [
    'protocol/internal invalidToken { typ, cause }',
  ],
  'given whole by what keeps the entries, which has checked it': [
    'httpsig/internal replayRoomOf options',
    'httpsig/internal tokenRoom { rate = 5000 }',
    'resource/internal interactionRoom limits',
  ],
  'how bytes are checked, made by the package itself': [
    'httpsig/internal checkedStream check',
    'httpsig/internal/node checkBody check',
  ],
  'all members are required, and one that is missing refuses everything': [
    'httpsig/internal requiredComponents needs',
    'protocol checkAgentToken o',
    'protocol checkAuthToken o',
    'protocol checkResourceToken o',
    'protocol verifyKeyProof o',
    'protocol/internal signJws header',
    'protocol signToken o',
    'agent/internal/provider isProviderUrl o',
    'audit/internal appendAuditIfUsed { room, now }',
    'store/internal openOwnKeys o',
    'store/internal operatedAs lifetimes',
    'store/internal databaseKeyStore o',
    'store/internal ownKeySchedule { tokenLifetime, grace }',
    'auth-server/internal decideNew { policy, users }',
    'auth-server/internal policyRequest about',
  ],
  'its one member allows more, so a slip of it allows less; asked for each name': [
    'protocol isIdentifier options',
    'protocol/internal checkIdentifier options',
    'protocol/internal checkIdentifierList options',
    'auth-server/internal checkDeny o',
    'protocol parseAgentMetadata o',
    'protocol parseAuthServerMetadata o',
    'protocol parseResourceMetadata o',
    'protocol/internal botNamed options',
  ],
  'checked by createDirectory, or given whole by an agent in a page': ['discovery/internal directoryOf options'],
  'checked by checkKeySchedule when it is configured': ['protocol/internal planKeys schedule'],
  'given whole by functions that have checked it; exactly one of its two places must be there': [],
  'given whole by the desk, the console or a test, whose types are checked': [
    ...[
      'answerQuestion o',
      'checkDelegate o',
      'checkDelegate { agent, delegate }',
      'checkStillListed { discovery }',
      'conditionsCheck place',
      'exchangedGrantsIn { issuer, mandates }',
      'grantFacts { id, resource, scope, user, txn }',
      'newUser { sub, claims, now }',
      'noteLogin { sub, now, provider }',
      'rateLimit o',
      'rememberConsent o',
      'rememberedYes o',
      'requestsIn o',
      'setInbox o',
      'writeNotices ended',
    ].map(parameter => `auth-server/internal ${parameter}`),
    'user-desk/internal makeInvitation o',
  ],
  'given whole by the two servers and the console, whose types are checked': [
    'issuer/internal answerRefusal o',
    'issuer/internal openBeside o',
    'issuer/internal openIssuer o',
    'issuer/internal operatorKeys { store, report }',
    'issuer/internal operatorKeys o',
  ],
  'flags of a command, which commander checks': [
    'fetch/internal/agent agentOf { interact, onEvent, names, fetch: send }',
  ],
}

/** Members that restrict callers or their rights: an undefined one would restrict nothing. */
export const restrictions: ReadonlySet<string> = new Set([
  ...[
    'level',
    'scope',
    'scopes',
    'upstreamScopes',
    'agents',
    'delegates',
    'users',
    'sites',
    'deny',
    'via',
    'policy',
    'decision',
    'audit',
  ],
  ...[
    'components',
    'replay',
    'limits',
    'anonymous',
    'pseudonymous',
    'identified',
    'authorized',
    'network',
    'agent',
    'site',
  ],
  ...['acceptAuthServer', 'identifyTo', 'authServers', 'accept', 'methods', 'mcp', 'dropHeaders'],
  ...['session', 'tools', 'prompts', 'resources', 'subjects', 'claims', 'audience', 'algorithms'],
  ...['conditions', 'approver', 'delegation', 'purposes', 'operation', 'describe', 'approve'],
  ...['kept', 'witness'],
])

/** Members of these names whose default is the strictest, that must be there, or that bound what is held rather than who gets in. */
export const harmless: ReadonlySet<string> = new Set([
  ...['AgentServerOptions.audience', 'AgentServerOptions.replay', 'AuthServerOptions.replay', 'ResourceOptions.replay'],
  ...['ResourceOptions.authServers', 'ResourceOptions.scopes', 'RequestQuota.agent', 'DirectGrant.agent'],
  ...['OpenidConnectOptions.scope', 'OAuthApiOptions.scope', 'SignMessageOptions.components', 'ReplayCheck.replay'],
  ...[
    'VerifyMessageOptions.limits',
    'McpOptions.limits',
    'McpSessionOptions.limits',
    'ServeOptions.limits',
    'store openStore options.limits',
  ],
  ...['ServeOptions.level', 'server jsonLog options.level', 'TokenCheck.audience'],
  // Names for what others demand: a demand that names what is not there throws.
  ...['ResourceOptions.purposes', 'CedarOptions.conditions'],
  // What an agent says of itself, and which list is read: a receiver judges both by itself.
  ...['AgentOptions.purposes', 'ConditionOptions.delegation'],
])
