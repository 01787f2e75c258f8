import type { Case } from '../case/case.js'
import type { Refusal } from '../case/refusal.js'
import { identityMembers, type Participant, publishedKey } from '../participants/participant.js'
import { makeKey } from '../signing/key.js'
import { call, metadataPath, needs } from './discovery-cases.js'
import type { ResourceStage } from './stage.js'

const group = 'discovery'
/** A document that is wrong is 401; where a receiver counts it as one that cannot be reached, 503. */
const noDocument: Refusal = { status: [401, 503], error: ['discovery_failed', 'invalid_agent_token'] }

const text =
  (body: string, headers: Readonly<Record<string, string>> = {}, status = 200) =>
  () => ({
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

/** What is wrong with the documents of an agent. */
interface WrongDocument {
  readonly fault: string
  readonly publish: (agent: Participant) => void
  readonly refused?: Refusal
}

/** A case of agents whose documents are each wrong in one thing. */
export function wrongDocuments(
  id: string,
  wrong: readonly WrongDocument[],
  o: Pick<Case<ResourceStage>, 'words' | 'clauses'> & { readonly right?: readonly WrongDocument[] } = {},
): Case<ResourceStage> {
  const { right: legal = [], ...more } = o
  return {
    id,
    ...more,
    group,
    needs,
    async run(trial, stage) {
      const right = await stage.open()
      await trial.control('an agent whose documents are right', () => call(stage, right))
      for (const { fault, publish } of legal) {
        const agent = await stage.open()
        publish(agent)
        await trial.accepted(fault, () => call(stage, agent))
      }
      for (const { fault, publish, refused = noDocument } of wrong) {
        const agent = await stage.open()
        publish(agent)
        await trial.refused(fault, () => call(stage, agent), refused)
      }
    },
  }
}

/** Publishes metadata of an agent with other members. */
export const metadataWith =
  (members: Readonly<Record<string, unknown>>): WrongDocument['publish'] =>
  agent =>
    agent.origin.publish(metadataPath, { ...identityMembers('aauth-agent', agent.id), ...members })

const keysOf = (agent: Participant): object => publishedKey(agent.kid, agent.key)

/** Publishes a document of so many bytes. */
function publishOfBytes(
  agent: Participant,
  path: string,
  o: { readonly document: object; readonly bytes: number },
): void {
  const { length } = JSON.stringify({ ...o.document, padding: '' })
  agent.origin.publish(path, { ...o.document, padding: 'x'.repeat(o.bytes - length) })
}

const metadataOf = (agent: Participant, bytes: number): void =>
  publishOfBytes(agent, metadataPath, { document: identityMembers('aauth-agent', agent.id), bytes })

const keySetOf = (agent: Participant, bytes: number): void =>
  publishOfBytes(agent, '/jwks.json', { document: { keys: [keysOf(agent)] }, bytes })

/** What is read of an agent's documents. */
export const agentDocumentCases: readonly Case<ResourceStage>[] = [
  wrongDocuments(
    'DSC-17',
    [
      { fault: 'issuer is another', publish: metadataWith({ issuer: 'https://other.example' }) },
      { fault: 'agent is another', publish: metadataWith({ agent: 'https://other.example' }) },
      { fault: 'agent is missing', publish: metadataWith({ agent: undefined }) },
      { fault: 'issuer is missing', publish: metadataWith({ issuer: undefined }) },
      { fault: 'there are no metadata', publish: agent => agent.origin.answer(metadataPath, text('', {}, 404)) },
    ],
    {
      words: 'A reader must refuse any other document',
      clauses: ['error.discovery-failed'],
      right: [{ fault: 'there are members that nobody knows', publish: metadataWith({ x_unknown: [1, { a: null }] }) }],
    },
  ),
  wrongDocuments('DSC-18', [
    {
      fault: 'a member of the metadata comes twice',
      publish: agent =>
        agent.origin.answer(
          metadataPath,
          text(
            JSON.stringify(identityMembers('aauth-agent', agent.id)).replace('{', `{"issuer":"https://other.example",`),
          ),
        ),
    },
    {
      fault: 'a member of the key set comes twice',
      publish: agent =>
        agent.origin.answer('/jwks.json', text(JSON.stringify({ keys: [keysOf(agent)] }).replace('{', '{"keys":[],'))),
    },
  ]),
  wrongDocuments(
    'DSC-15',
    [
      {
        fault: 'the metadata are text/html',
        publish: agent =>
          agent.origin.answer(
            metadataPath,
            text(JSON.stringify(identityMembers('aauth-agent', agent.id)), { 'content-type': 'text/html' }),
          ),
      },
      {
        fault: 'the key set is answered with 500',
        publish: agent => agent.origin.answer('/jwks.json', text('{}', {}, 500)),
      },
      {
        fault: 'the metadata are answered with 204',
        publish: agent => agent.origin.answer(metadataPath, text('', {}, 204)),
      },
    ],
    {
      words: ['The media type must be', 'a document is missing or wrong'],
      clauses: ['error.discovery-failed'],
      right: ['application/jwk-set+json', 'application/json; charset=utf-8'].map(type => ({
        fault: `the key set is ${type}`,
        publish: agent =>
          agent.origin.answer('/jwks.json', text(JSON.stringify({ keys: [keysOf(agent)] }), { 'content-type': type })),
      })),
    },
  ),
  wrongDocuments('DSC-08', [
    {
      fault: 'the metadata are elsewhere on the same origin, by a redirect',
      publish: agent => {
        agent.origin.publish('/elsewhere', identityMembers('aauth-agent', agent.id))
        agent.origin.answer(metadataPath, text('', { location: '/elsewhere' }, 302))
      },
    },
    {
      fault: 'the key set is elsewhere, by a redirect',
      publish: agent => {
        agent.origin.publish('/elsewhere', { keys: [keysOf(agent)] })
        agent.origin.answer('/jwks.json', text('', { location: '/elsewhere' }, 307))
      },
    },
  ]),
  wrongDocuments(
    'DSC-12',
    [
      { fault: 'the metadata have a byte more', publish: agent => metadataOf(agent, 64 * 1024 + 1) },
      { fault: 'the key set has a byte more', publish: agent => keySetOf(agent, 256 * 1024 + 1) },
    ],
    {
      right: [
        { fault: 'the metadata have 64 KiB', publish: agent => metadataOf(agent, 64 * 1024) },
        { fault: 'the key set has 256 KiB', publish: agent => keySetOf(agent, 256 * 1024) },
      ],
    },
  ),
  wrongDocuments(
    'id.endpoints.origin',
    [
      {
        fault: 'an endpoint of the metadata is on another origin',
        publish: metadataWith({ delegate_token_endpoint: 'https://other.example/token' }),
      },
      {
        fault: 'an endpoint of the metadata has a query',
        publish: agent => metadataWith({ delegate_token_endpoint: `${agent.id}/token?x=1` })(agent),
      },
    ],
    {
      words: ['must be a URL on the origin', 'must make a reader refuse the whole document'],
      clauses: ['id.metadata.self'],
    },
  ),
  wrongDocuments(
    'KEY-25',
    [
      { fault: 'keys is an object', publish: agent => agent.origin.publish('/jwks.json', { keys: {} }) },
      { fault: 'keys is missing', publish: agent => agent.origin.publish('/jwks.json', {}) },
      { fault: 'the key set is an array', publish: agent => agent.origin.publish('/jwks.json', [keysOf(agent)]) },
    ],
    { words: 'a document is missing or wrong', clauses: ['error.discovery-failed'] },
  ),
  wrongDocuments(
    'discovery.duplicate-kid',
    [
      {
        fault: 'two keys have the kid',
        publish: agent =>
          agent.origin.publish('/jwks.json', { keys: [keysOf(agent), publishedKey(agent.kid, makeKey())] }),
      },
    ],
    { words: 'Two keys with the asked `kid` must be refused' },
  ),
  wrongDocuments(
    'id.jwk-alg',
    [
      {
        fault: 'the published key has no alg',
        publish: agent => agent.origin.publish('/jwks.json', { keys: [{ ...keysOf(agent), alg: undefined }] }),
        refused: { status: [401, 503], error: ['discovery_failed', 'invalid_agent_token', 'unsupported_algorithm'] },
      },
    ],
    { words: 'A reader must refuse one without it' },
  ),
  {
    id: 'KEY-24',
    group,
    needs,
    async run(trial, stage) {
      const right = await stage.open()
      await trial.control('an agent whose documents are right', () => call(stage, right))
      const agent = await stage.open()
      const broken = [
        null,
        1,
        {},
        { kty: 'XYZ', kid: 'a' },
        { kty: 'OKP', crv: 'Ed25519', x: '', kid: 'b', alg: 'Ed25519' },
      ]
      agent.origin.publish('/jwks.json', { keys: [...broken, keysOf(agent), { kty: 'oct', k: 'YQ', kid: 'c' }] })
      await trial.accepted('broken and unknown keys stand around the right one', () => call(stage, agent))
    },
  },
  {
    id: 'discovery.broken-beside',
    words: 'a right key beside a broken, unknown or printed one',
    group,
    needs,
    clauses: ['discovery.duplicate-kid'],
    async run(trial, stage) {
      const right = await stage.open()
      await trial.control('an agent whose documents are right', () => call(stage, right))
      const { jwk } = makeKey('ES256')
      const skipped: ReadonlyArray<readonly [string, object]> = [
        ['has no alg', { ...makeKey().jwk, alg: undefined }],
        ['is for encryption', { ...makeKey().jwk, use: 'enc' }],
        ['is of an unknown kind', { kty: 'XYZ', alg: 'XYZ', x: 'AA' }],
        ['is no point of its curve', { ...jwk, y: jwk['x'] }],
      ]
      for (const [what, entry] of skipped) {
        const agent = await stage.open()
        const beside = { ...entry, kid: agent.kid }
        agent.origin.publish('/jwks.json', { keys: [beside, keysOf(agent)] })
        await trial.accepted(`before the right key an entry of its kid ${what}`, () => call(stage, agent))
        const other = await stage.open()
        other.origin.publish('/jwks.json', {
          keys: [keysOf(other), { ...entry, kid: other.kid }, publishedKey(other.kid, makeKey())],
        })
        await trial.refused(`between two keys of one kid an entry ${what}`, () => call(stage, other), noDocument)
      }
    },
  },
  {
    id: 'id.jwks-elsewhere',
    group,
    needs,
    async run(trial, stage) {
      const [agent, elsewhere] = [await stage.open(), await stage.open()]
      await trial.control('an agent whose documents are right', () => call(stage, elsewhere))
      elsewhere.origin.publish('/others.json', { keys: [keysOf(agent)] })
      metadataWith({ jwks_uri: `${elsewhere.id}/others.json` })(agent)
      await trial.accepted('its key set is on another origin', () => call(stage, agent))
    },
  },
]
